// A photograph, the reader's own if they like, that the network then calls whatever they choose.
// @ts-check

import { camera } from "./camera.js";
import { paintLevels } from "./levels.js";
import { likeliestNames } from "./likeliest.js";
import { nameSearch } from "./name_search.js";
import { indexOfLargest } from "./numbers.js";
import { announcement, button, element, labelled, lessMotion, slider } from "./page.js";
import { readPicture, toPNG } from "./photo_files.js";
import { sleepingNetwork } from "./photo_network.js";
import { listen, widget } from "./widget.js";

/** @import { Step } from "./targeted.js" */
/** @import { Start } from "./widget.js" */
/**
 * @typedef {object} Traits as the Python class has them
 * @property {DataView<ArrayBuffer>[]} pictures
 * @property {string[]} titles
 * @property {number} chosen
 * @property {number} goal
 * @property {number} epsilon
 */

const SIZE = 224, STEPS = 40, ENLARGED = 40;
const OWN = -1, OWN_TITLE = "your picture";
const FLICKER = 400; // milliseconds: slower than three flashes a second

/** @param {Start<Traits>} start */
function start({ model, root, fileOf }) {
  /** @type {string[]} */
  let names = []; // of the classes, once the network is awake
  let subject = "the picture";
  /** @type {Uint8Array | null} */
  let original = null; // levels, once a picture is read
  /** @type {Uint8Array | null} */
  let changed = null; // levels, once a step is taken
  let verdict = "";
  let current = 0; // which work is the current one
  let stopTask = () => {};
  let flicker = 0; // the timer; 0: none

  // ---- work: what begins ends what came before; it says whether it is still the latest ----
  function begin() {
    stopTask();
    stopTask = () => {};
    const mine = ++current;
    running(false);
    return () => mine === current;
  }
  /** @param {boolean} now */
  function running(now) {
    go.textContent = now ? "Stop" : "Fool it";
    progress.hidden = !now;
    progress.value = 0;
    go.onclick = now ? () => { begin(); status.say(`Stopped. ${verdict}`); } : () => { fool(begin()); };
  }
  /**
   * @param {() => boolean} fresh
   * @param {() => Promise<void>} work
   */
  async function inWords(fresh, work) { // an error is said, not thrown
    try {
      await work();
    } catch (error) {
      if (!fresh()) return;
      running(false);
      status.say(error instanceof Error ? error.message : String(error));
    }
  }
  const network = sleepingNetwork({ fileOf, say: (text) => status.say(text), woken: (all) => {
    names = all;
    search.set(names, model.get("goal"));
  } });

  // ---- what is seen ----
  const views = ["The original", `The change, times ${ENLARGED}`, "The changed picture"].map((title) => {
    const picture = element("canvas", { width: SIZE, height: SIZE, role: "img", class: "fk-photograph" });
    const text = element("p", { class: "fk-note" });
    return { picture, text, node: element("div", {}, element("p", { class: "fk-title" }, title), picture, text) };
  });
  const [before, change, after] = views;
  const likeliest = likeliestNames();
  const showNames = (/** @type {number[]} */ confidences) => likeliest.show(names, confidences, model.get("goal"));
  /**
   * @param {Uint8Array} from
   * @param {Uint8Array | null} to null: nothing is changed yet
   * @param {string} words
   */
  function showChange(from, to, words = "") {
    const levels = to ?? from;
    changed = to;
    after.text.textContent = words;
    paintLevels(after.picture, levels);
    paintLevels(change.picture, Float32Array.from(levels, (level, i) => 128 + ENLARGED * (level - from[i])));
    const state = to ? "" : ", nothing yet";
    after.picture.setAttribute("aria-label", `The changed picture: ${words || subject}`);
    change.picture.setAttribute("aria-label", `The change, times ${ENLARGED}, grey where there is none${state}`);
    saver.disabled = flickerer.disabled = to === null;
    stopFlicker();
  }

  // ---- pictures ----
  /**
   * @param {() => boolean} fresh
   * @param {Uint8Array} levels
   * @param {string} title
   */
  function take(fresh, levels, title) {
    original = levels;
    subject = title;
    before.text.textContent = title;
    before.picture.setAttribute("aria-label", `The original: ${title}`);
    paintLevels(before.picture, levels);
    showChange(levels, null);
    thumbs.forEach((press, n) => press.setAttribute("aria-pressed", String(n === model.get("chosen"))));
    if (!network.sleeps() || title === OWN_TITLE) judge(fresh);
  }
  /** @param {() => boolean} fresh */
  const judge = (fresh) => inWords(fresh, async () => {
    const { run } = await network.wake(), levels = original;
    if (!fresh() || !levels) return;
    const { confidences } = await run("judge", { levels, size: SIZE }).result;
    if (!fresh()) return;
    const says = showNames(confidences);
    before.text.textContent = `${subject}: ${says}`;
    status.say(`The network calls ${subject} ${says}. Choose a name, and press “Fool it”.`);
  });
  /** @param {() => boolean} fresh */
  const showChosen = (fresh) => inWords(fresh, async () => {
    const n = model.get("chosen"), view = model.get("pictures")[n];
    const levels = await readPicture(new Blob([view], { type: "image/jpeg" }), SIZE);
    if (fresh()) take(fresh, levels, model.get("titles")[n]);
  });
  /** @param {Blob | null | undefined} file */
  function bring(file) {
    const fresh = begin();
    inWords(fresh, async () => {
      if (!file) throw new Error("That is no file. Save the picture, then choose, drop or paste the file.");
      status.say("Reading the picture …");
      const levels = await readPicture(file, SIZE);
      if (fresh()) takeOwn(levels);
    });
  }
  /** @param {Uint8Array} levels */
  function takeOwn(levels) { // Python hears that it is the reader's, and nothing else of it
    set("chosen", OWN);
    take(begin(), levels, OWN_TITLE);
  }

  // ---- the attack ----
  /** @param {() => boolean} fresh */
  const fool = (fresh) => inWords(fresh, async () => {
    const levels = original, goal = model.get("goal"), epsilon = model.get("epsilon");
    if (!levels) return;
    showChange(levels, null);
    running(true);
    const { run } = await network.wake();
    if (!fresh()) return;
    status.say(`Making ${subject} “${names[goal]}” …`);
    const request = { levels, size: SIZE, goal, epsilon, most: STEPS };
    const { result, stop } = run("fool", request, (/** @type {Step} */ step) => {
      if (!fresh()) return;
      progress.value = step.steps;
      verdict = `The network calls it ${showNames(step.confidences)}.`;
      showChange(levels, step.steps ? step.levels : null, showNames(step.confidences));
    });
    stopTask = stop;
    /** @type {Step} */
    const { confidences, steps, levels: last } = await result;
    if (!fresh()) return;
    begin();
    const fooled = indexOfLargest(confidences) === goal;
    const moved = last.reduce((most, level, i) => Math.max(most, Math.abs(level - levels[i])), 0);
    status.say(`${fooled ? "Fooled" : "Not fooled"} in ${steps} ${steps === 1 ? "step" : "steps"}. ${verdict} `
      + `No colour of any pixel has moved by more than ${moved} of 255.`
      + (fooled ? "" : " Allow a larger change, or choose another name."));
  });
  function stopFlicker() {
    clearInterval(flicker);
    flicker = 0;
    flickerer.textContent = "Flicker test";
  }
  function startFlicker() { // the original and the changed picture by turns, in one place
    const [from, to] = [original, changed];
    if (!from || !to) return;
    let which = false;
    const turn = () => {
      which = !which;
      paintLevels(after.picture, which ? from : to);
      after.text.textContent = which ? "now: the original" : "now: the changed picture";
    };
    turn();
    if (lessMotion()) {
      flicker = window.setTimeout(() => { turn(); stopFlicker(); }, 5 * FLICKER); // once there and back
    } else flicker = window.setInterval(turn, FLICKER);
    flickerer.textContent = "Stop the flicker";
  }
  function pressFlicker() {
    if (!flicker) startFlicker();
    else if (original && changed) showChange(original, changed, verdict);
  }
  const save = () => inWords(() => true, async () => {
    if (!changed) return;
    const file = await toPNG(changed, SIZE), name = names[model.get("goal")].replace(/[^\w]+/g, "-");
    const address = URL.createObjectURL(file);
    element("a", { href: address, download: `${name}.png` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000); // the browser has it by then
    status.say(`Saved as ${name}.png, ${SIZE} by ${SIZE}. The file has the very pixels that were judged. ${verdict}`);
  });

  // ---- controls ----
  /** @type {typeof model.set} */
  function set(name, value) { // heard below, like a change from Python
    model.set(name, value);
    model.save_changes();
  }
  const status = announcement();
  const go = button("Fool it", () => {}, { class: "fk-main" });
  const progress = element("progress", { max: STEPS, value: 0, "aria-label": "Steps taken", hidden: "" });
  const saver = button("Save as PNG", save), flickerer = button("Flicker test", pressFlicker);
  const addresses = model.get("pictures").map((view) => URL.createObjectURL(new Blob([view], { type: "image/jpeg" })));
  const thumbs = model.get("titles").map((title, n) => {
    const press = button("", () => set("chosen", n), { class: "fk-thumb" });
    press.append(element("img", { src: addresses[n], alt: title, width: SIZE, height: SIZE, class: "fk-photo" }));
    return press;
  });
  const file = element("input", { type: "file", accept: "image/*" });
  file.addEventListener("change", () => {
    if (file.files?.length) bring(file.files[0]);
    file.value = ""; // the same file may be chosen again
  });
  const eye = camera({ size: SIZE, take: takeOwn, say: status.say });
  const zone = element("p", { class: "fk-drop", tabindex: 0, role: "note" },
    "Or drop a picture here, or click here and paste one. Your picture stays in this page: nothing is sent anywhere.");
  const search = nameSearch("a name for it ", (k) => set("goal", k));
  const epsilon = slider("largest change of a colour, of 255", {
    min: 1, max: 16, step: 1, value: model.get("epsilon"), format: String,
  }, (value) => set("epsilon", value));

  root.append(
    element("div", { class: "fk-row", role: "group", "aria-label": "Photographs" }, ...thumbs),
    element("div", { class: "fk-row" }, labelled("your own ", file), eye.opener), eye.panel, zone,
    search.node, element("div", { class: "fk-row" }, epsilon.node, go, progress), status.node,
    element("div", { class: "fk-photographs" }, ...views.map(({ node }) => node)),
    element("div", { class: "fk-row" }, flickerer, saver),
    element("p", { class: "fk-title" }, "The five likeliest names"), likeliest.node);

  // ---- what it hears ----
  const touch = () => {
    if (network.sleeps()) judge(begin());
  };
  root.addEventListener("pointerdown", touch);
  root.addEventListener("focusin", touch);
  root.addEventListener("paste", (event) => {
    const pasted = event.clipboardData?.files;
    if (pasted?.length) {
      event.preventDefault();
      bring(pasted[0]);
    } else if (event.target === zone) bring(null);
  });
  root.addEventListener("dragover", (event) => event.preventDefault());
  root.addEventListener("drop", (event) => {
    event.preventDefault();
    bring(event.dataTransfer?.files[0]);
  });
  const anew = () => { // what was made is no longer what is asked for
    epsilon.set(model.get("epsilon"));
    search.set(names, model.get("goal"));
    const fresh = begin();
    if (!original) return;
    showChange(original, null);
    if (!network.sleeps()) judge(fresh);
  };
  const deafen = listen(model, {
    "change:chosen": () => { if (model.get("chosen") !== OWN) showChosen(begin()); },
    "change:goal": anew,
    "change:epsilon": anew,
  });
  status.say("Touch any part of this, and the network is loaded.");
  running(false);
  showChosen(begin());
  return () => {
    begin();
    stopFlicker();
    eye.close();
    deafen();
    network.end();
    addresses.forEach((address) => URL.revokeObjectURL(address));
  };
}

export default widget("fool", "Fool a photograph", start, { lazy: true });
