// Random pictures by the second: how often a network is sure of one, and what it calls it.
// @ts-check

import { SURE, tallyOf } from "./accident.js";
import { barRow } from "./bars.js";
import { percent } from "./confidence.js";
import { exactInterval } from "./exact_interval.js";
import { paintGrey, paintLevels } from "./levels.js";
import { networkOf } from "./network.js";
import { announcement, button, element, labelled, menu } from "./page.js";
import { sleepingNetwork } from "./photo_network.js";
import { seedField } from "./seed_field.js";
import { listen, widget } from "./widget.js";
import { inSlices } from "./work.js";

/** @import { Press, Tally } from "./accident.js" */
/** @import { Settings } from "./cppn.js" */
/** @import { DigitNetwork } from "./network.js" */
/** @import { Start } from "./widget.js" */
/**
 * @typedef {object} Traits as the Python class has them
 * @property {string} kind
 * @property {string} judge
 * @property {number} seed
 * @property {Settings} encoding
 * @property {boolean} running
 * @property {number} images
 * @property {number} hits
 * @property {number} answer
 * @property {number} confidence
 */

/** @type {Record<string, string>} */
const KINDS = {
  uniform: "uniform noise", Gaussian: "Gaussian noise", "1/f": "1/f noise, as in photographs",
  formulas: "patterns, unselected",
};
/** @type {Record<string, { text: string, size: number }>} */
const JUDGES = {
  lenet: { text: "LeNet, of digits", size: 28 },
  squeezenet1_1: { text: "SqueezeNet, of photographs", size: 224 },
};
const NAMES = 5; // names that are counted on the page, the most frequent ones
const TOLD = 500; // milliseconds at least from one word to Python to the next

/** @param {Start<Traits, DigitNetwork>} start */
function start({ model, root, net, fileOf }) {
  let current = 0; // which work is the current one
  let stopTask = () => {};
  let began = 0, seconds = 0, told = 0;
  /** @type {Tally | null} */
  let latest = null;
  /** @type {string[]} */
  let photoNames = [];
  const network = sleepingNetwork({
    fileOf, say: (text) => status.say(text), woken: (names) => { photoNames = names; } });

  // ---- work: what begins ends what came before; it says whether it is still the latest ----
  function begin() {
    stopTask();
    stopTask = () => {};
    const mine = ++current;
    return () => mine === current;
  }
  /** @type {typeof model.set} */
  function set(name, value) {
    model.set(name, value);
    model.save_changes();
  }

  // ---- what is seen ----
  const digits = () => model.get("judge") === "lenet";
  const nameOf = (/** @type {number} */ k) => (digits() ? String(k) : photoNames[k]);
  const status = announcement(), counter = element("p", { class: "fk-title" }), rate = element("p");
  const picture = element("canvas", { role: "img", class: "fk-picture fk-large" });
  const caption = element("p", { class: "fk-verdict" });
  const rows = Array.from({ length: NAMES }, () => {
    const name = element("span");
    return { name, ...barRow(name) };
  });
  const list = element("ol", { class: "fk-bars fk-names", role: "list", "aria-label": "What they were called" },
    ...rows.map(({ node }) => node));
  const whole = (/** @type {number} */ count) => Math.round(count).toLocaleString("en");
  const plural = (/** @type {number} */ count) => `${whole(count)} picture${count === 1 ? "" : "s"}`;

  // The rate a million, with its exact interval; of none, the rule of three.
  /** @param {Tally} tally */
  function rateOf({ images, hits }) {
    const [low, high] = exactInterval(hits, images).map((share) => 1e6 * share);
    if (hits) return `${whole(1e6 * hits / images)} a million, exact 95 % interval ${whole(low)} to ${whole(high)}.`;
    return `None: the rate is below ${whole(3e6 / images)} a million, with 95 % confidence (rule of three); `
      + `the exact interval, of two sides, is 0 to ${whole(high)}.`;
  }
  function show() {
    const { images = 0, hits = 0, first = 0, called = {}, surest = null } = latest ?? {};
    const passed = seconds + (model.get("running") ? (performance.now() - began) / 1000 : 0);
    counter.textContent = `${plural(images)}`
      + (images && passed > 0 ? `, ${(images / passed).toFixed(images / passed < 10 ? 1 : 0)} a second` : "")
      + `; sure (99 % or more) of ${whole(hits)}` + (first ? `, first of number ${whole(first)}` : "");
    rate.textContent = latest ? rateOf(latest) : "";
    const order = Object.entries(called).sort(([, a], [, b]) => b - a);
    rows.forEach(({ name, node, show: draw }, n) => {
      const [answer, count] = order[n] ?? [0, 0];
      node.style.visibility = count ? "" : "hidden";
      name.textContent = count ? `“${nameOf(Number(answer))}”` : "–";
      draw({ share: count / Math.max(1, hits), text: whole(count) });
    });
    if (surest) {
      const size = JUDGES[model.get("judge")].size;
      if (picture.width !== size) picture.width = picture.height = size;
      (digits() ? paintGrey : paintLevels)(picture, surest.levels);
      caption.textContent = `the surest: “${nameOf(surest.answer)}”, ${percent(surest.confidence)}`;
      picture.setAttribute("aria-label", `Of ${plural(images)} ${caption.textContent}`);
    } else {
      picture.width = picture.height = JUDGES[model.get("judge")].size; // empties it
      caption.textContent = "";
      picture.setAttribute("aria-label", "No picture yet");
    }
    tell();
  }
  function tell(now = performance.now()) { // Python, at most twice a second while it runs
    if (model.get("running") && now - told < TOLD) return;
    told = now;
    const { images = 0, hits = 0, surest = null } = latest ?? {};
    model.set("images", images);
    model.set("hits", hits);
    model.set("answer", surest?.answer ?? -1);
    set("confidence", surest?.confidence ?? 0);
  }

  // ---- pressing ----
  async function run() {
    const fresh = begin(), judge = model.get("judge"), size = JUDGES[judge].size;
    /** @type {Press} */
    const press = { kind: model.get("kind"), seed: model.get("seed"), size, encoding: model.get("encoding") };
    latest = null;
    [seconds, began] = [0, performance.now()];
    show();
    /** @param {Tally | undefined} tally */
    const hear = (tally) => {
      if (!fresh()) return false;
      if (!tally) return true;
      const surprised = tally.first && !latest?.first;
      latest = tally;
      if (surprised) status.say(`Sure of picture number ${whole(tally.first)}. It goes on until you stop it.`);
      show();
      return true;
    };
    try {
      if (digits()) {
        status.say(`Showing LeNet ${KINDS[press.kind]} …`);
        const image = new Float64Array(size * size);
        const confidences = (/** @type {Uint8Array} */ levels) => {
          for (let i = 0; i < image.length; i++) image[i] = levels[i] / 255;
          return net.confidences(image);
        };
        await inSlices(tallyOf(confidences, 1, press), hear);
      } else {
        const { run: order } = await network.wake();
        if (!fresh()) return;
        began = performance.now(); // it has been loaded
        status.say(`Showing SqueezeNet ${KINDS[press.kind]} …`);
        const { result, stop } = order("press", press, hear);
        stopTask = stop;
        await result;
      }
    } catch (error) {
      if (!fresh()) return;
      set("running", false);
      status.say(error instanceof Error ? error.message : String(error));
    }
  }
  function stop() {
    begin();
    if (latest) seconds += (performance.now() - began) / 1000;
    show();
    if (!latest) status.say("Stopped.");
    else status.say(`Stopped after ${plural(latest.images)} of ${KINDS[model.get("kind")]}. ${rateOf(latest)}`);
  }

  // ---- controls ----
  const go = button("", () => set("running", !model.get("running")), { class: "fk-main" });
  const kind = menu(Object.entries(KINDS), (value) => set("kind", value));
  const judge = menu(Object.entries(JUDGES).map(([name, { text }]) => [name, text]), (value) => set("judge", value));
  const seed = seedField(model, status);
  root.append(
    element("div", { class: "fk-row" }, labelled("pictures ", kind), labelled("network ", judge), seed.node, go),
    status.node, counter, rate,
    element("div", { class: "fk-chosen" }, element("div", {}, picture, caption), element("div", { class: "fk-answers" },
      element("p", { class: "fk-title" }, `What those at ${100 * SURE} % or more were called`), list,
      element("p", { class: "fk-note" }, "The interval is meant for a number of pictures that was fixed beforehand. "
        + "Who stops right after a hit makes the rate look too high."))));

  // ---- what it hears ----
  const turn = () => {
    go.textContent = model.get("running") ? "Stop" : "Press until fooled";
    if (model.get("running")) run();
    else stop();
  };
  const anew = () => { // another experiment than the one that is shown
    kind.value = model.get("kind");
    judge.value = model.get("judge");
    seed.show();
    begin();
    latest = null;
    [seconds, began] = [0, performance.now()];
    set("running", false);
    go.textContent = "Press until fooled";
    show();
    status.say("Choose, and press.");
  };
  const deafen = listen(model, {
    "change:running": turn,
    ...Object.fromEntries(["kind", "judge", "seed"].map((name) => [`change:${name}`, anew])),
  });
  if (model.get("running")) {
    kind.value = model.get("kind");
    judge.value = model.get("judge");
    turn();
  } else anew();
  return () => {
    begin();
    deafen();
    network.end();
  };
}

export default widget("press", "Random pictures, until a network is fooled", start, { networkOf, lazy: true });
