// The mystery defence: the reader examines a hidden defence, and says what it is.
// @ts-check

import { percent } from "./confidence.js";
import { disguised, marginSteps, searchedBlindly } from "./disguises.js";
import { networkOf } from "./network.js";
import { indexOfLargest } from "./numbers.js";
import { announcement, button, element } from "./page.js";
import { fromBytes, paint, picture } from "./pictures.js";
import { Random } from "./random.js";
import { randomChange, randomOf, signNoise, signStep, signSteps } from "./sign.js";
import { LATE, listen, widget } from "./widget.js";
import { inSlices } from "./work.js";

/** @import { DigitNetwork } from "./network.js" */
/** @import { Disguise } from "./disguises.js" */
/** @import { Attacked } from "./sign.js" */
/** @import { Start } from "./widget.js" */
/** @typedef {"plain" | "trained" | Disguise} Kind */
/** @typedef {"step" | "steps" | "margin" | "blind" | "elsewhere" | "noise" | "twice"} Test */
/** @typedef {{ right: number, total: number, flat: number, images: Float64Array[] }} Counted */
/**
 * @typedef {object} Traits as the Python class has them
 * @property {DataView} images
 * @property {number[]} truth
 * @property {number} epsilon
 * @property {number} steps
 * @property {number} questions
 * @property {number} seed
 * @property {Record<string, { right: number, total: number, flat: number }>} results
 * @property {string} guess
 * @property {string} hidden
 * @property {number} score
 * @property {number} rounds
 */

/** @type {Record<Kind, { short: string, told: string }>} */
const KINDS = {
  plain: {
    short: "no defence",
    told: "An ordinary network. It falls to one step, and the gradient finds more than blind search.",
  },
  trained: {
    short: "trained on attacks: strong",
    told: "Trained on attacks. It loses something to every test, and nothing that knows less does more.",
  },
  steep: {
    short: "masked: saturated answers",
    told: "Its logits are multiplied by 10,000, so the slope of the usual loss is zero. Another loss, the "
      + "margin, brings it down.",
  },
  rounded: {
    short: "masked: rounded pixels",
    told: "Pixels are rounded to 16 greys, so every slope is zero, whatever the loss. Images made "
      + "elsewhere and blind search bring it down.",
  },
  rippled: {
    short: "masked: a gradient that lies",
    told: "A ripple on every grey turns the slope around. It is nowhere zero, and of little use; what asks "
      + "for no slope brings it down.",
  },
  shaken: {
    short: "random answers",
    told: "Noise is added anew each time it is asked, so that the same question gets two answers.",
  },
};
/** @type {Record<Test, string>} */
const TESTS = {
  step: "one step along the gradient",
  steps: "many steps along the gradient",
  margin: "many steps, another loss",
  blind: "blind search, no gradient",
  elsewhere: "images made on another network",
  noise: "random noise of the same size",
  twice: "ask everything twice",
};
const KIND_NAMES = /** @type {Kind[]} */ (Object.keys(KINDS));
const TEST_NAMES = /** @type {Test[]} */ (Object.keys(TESTS));

// Which defence is hidden in each round: all of them in an order of the seed's, then again.
/**
 * @param {number} seed
 * @param {number} round
 */
function hiddenIn(seed, round) {
  const random = new Random(seed + 1e7 * Math.floor(round / KIND_NAMES.length)), order = [...KIND_NAMES];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random.next() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order[round % order.length];
}

/** @param {Start<Traits, DigitNetwork>} start */
function start({ model, root, load }) {
  const truth = model.get("truth"), total = truth.length;
  const original = (/** @type {number} */ n) => fromBytes(model.get("images"), n);
  /** @type {Record<string, DigitNetwork> | null} */
  let nets = null;
  let round = 0, current = 0; // a newer test ends an older one
  let kind = hiddenIn(model.get("seed"), round), revealed = false;
  /** @type {Map<Test, string>} */
  const results = new Map();

  // ---- the examined network ----
  async function fetched() {
    if (nets) return nets;
    const [plain, another, trained] = await Promise.all(
      model.get("networks").map((name) => load(name, () => status.say(LATE))));
    nets = { plain, another, trained };
    return nets;
  }
  /** @param {Record<string, DigitNetwork>} known */
  const examined = ({ plain, trained }) => {
    if (kind === "plain") return plain;
    return kind === "trained" ? trained : disguised(plain, kind, new Random(model.get("seed") + 17 * round));
  };
  // What a test makes of digit n: a generator, its last value is the result.
  /**
   * @param {Test} test
   * @param {DigitNetwork} net
   * @param {DigitNetwork} another
   * @param {number} n
   * @returns {Generator<Attacked | null, void>}
   */
  function* made(test, net, another, n) {
    const epsilon = model.get("epsilon"), steps = model.get("steps"), random = randomOf(model.get("seed"), n, 0);
    const many = (/** @type {DigitNetwork} */ one) => signSteps(one, original(n), truth[n],
      { epsilon, steps, starts: [randomChange(random, epsilon)] });
    switch (test) {
      case "step": yield signStep(net, original(n), truth[n], epsilon); break;
      case "steps": yield* many(net); break;
      case "margin": yield* marginSteps(net, original(n), truth[n],
        { epsilon, steps, start: randomChange(random, epsilon) }); break;
      case "blind": yield* searchedBlindly(net, original(n), truth[n],
        { epsilon, questions: model.get("questions"), random }); break;
      case "elsewhere": yield* many(another); break;
      default: yield { image: signNoise(original(n), epsilon, random), stuck: false };
    }
  }
  /**
   * @param {Test} test
   * @param {DigitNetwork} net
   * @param {DigitNetwork} another
   * @returns {Generator<Counted, void>}
   */
  function* counted(test, net, another) {
    const found = { right: 0, total: 0, flat: 0, images: /** @type {Float64Array[]} */ ([]) };
    for (let n = 0; n < total; n++) {
      /** @type {Attacked | null} */
      let last = null;
      for (last of made(test, net, another, n)) yield found;
      if (!last) continue;
      found.images.push(last.image);
      if (indexOfLargest(net.logits(last.image)) === truth[n]) found.right++;
      if (last.stuck) found.flat++;
      found.total++;
      yield found;
    }
  }
  /** @param {DigitNetwork} net */
  function askedTwice(net) {
    let apart = 0, sum = 0;
    for (let n = 0; n < total; n++) {
      const [one, other] = [0, 1].map(() => net.confidences(original(n)));
      if (one.some((p, k) => p !== other[k])) apart++;
      sum += Math.max(...one);
    }
    return { apart, sure: sum / total };
  }

  // ---- one test ----
  /** @param {Test} test */
  async function run(test) {
    const mine = ++current;
    status.say(`${TESTS[test]}: running …`);
    try {
      const known = await fetched(), net = examined(known);
      if (mine !== current) return;
      if (test === "twice") {
        const { apart, sure } = askedTwice(net);
        settle(test, apart
          ? `${apart} of ${total} digits get other numbers the second time`
          : `the same numbers both times; mean confidence ${percent(sure)}`);
        return;
      }
      await inSlices(counted(test, net, known.another), (found, ended) => {
        if (mine !== current) return false;
        if (found) latest = found;
        if (!ended || !latest) return true;
        const { right, flat, images } = latest;
        images.forEach((image, n) => paint(canvases[n], image));
        seen.textContent = `The digits after: ${TESTS[test]}.`;
        model.set("results", { ...model.get("results"), [test]: { right, total, flat } });
        settle(test, `still right: ${right} of ${total}`
          + (flat ? `; the gradient was zero at ${flat}` : ""));
        return true;
      });
    } catch (error) {
      if (mine !== current) return;
      const message = error instanceof Error ? error.message : String(error);
      status.say(`This test could not start: ${message}.`);
    }
  }
  /** @type {Counted | null} */
  let latest = null;
  /**
   * @param {Test} test
   * @param {string} words
   */
  function settle(test, words) {
    results.set(test, words);
    model.save_changes();
    show();
    status.say(`${TESTS[test]}: ${words}.`);
  }

  // ---- the verdict ----
  /** @param {Kind} guess */
  function answer(guess) {
    if (revealed) return;
    current++;
    revealed = true;
    const right = guess === kind;
    model.set("guess", guess);
    model.set("hidden", kind);
    model.set("rounds", model.get("rounds") + 1);
    model.set("score", model.get("score") + (right ? 1 : 0));
    model.save_changes();
    show();
    status.say(`${right ? "Right" : `You said “${KINDS[guess].short}”`}: it is “${KINDS[kind].short}”. `
      + `${KINDS[kind].told} You have named ${model.get("score")} of ${model.get("rounds")}, after `
      + `${results.size} ${results.size === 1 ? "test" : "tests"}.`);
    again.focus();
  }
  function next() {
    round++;
    begin();
    status.say("Another defence is hidden. Choose a test.");
    rows[0].press.focus();
  }
  function begin() {
    current++;
    kind = hiddenIn(model.get("seed"), round);
    revealed = false;
    results.clear();
    model.set("results", {});
    model.set("guess", "");
    model.set("hidden", "");
    model.save_changes();
    canvases.forEach((canvas, n) => paint(canvas, original(n)));
    seen.textContent = "The digits, untouched.";
    show();
  }

  // ---- what is seen ----
  const status = announcement();
  const canvases = truth.map((digit, n) => picture(`Digit ${n + 1}, of class ${digit}`));
  const seen = element("p", { class: "fk-note" });
  const rows = TEST_NAMES.map((test) => {
    const press = button(TESTS[test], () => run(test)), text = element("span", { class: "fk-note" });
    return { test, press, text, node: element("li", {}, press, text) };
  });
  const verdicts = KIND_NAMES.map((name) => ({ name, node: button(KINDS[name].short, () => answer(name)) }));
  const again = button("Another defence", next, { class: "fk-main" });

  function show() {
    for (const { test, press, text } of rows) {
      press.disabled = revealed;
      text.textContent = results.get(test) ?? "not tried";
    }
    for (const { name, node } of verdicts) {
      node.disabled = revealed;
      node.classList.toggle("fk-marked", revealed && name === kind);
    }
    again.hidden = !revealed;
  }
  root.append(
    element("p", { class: "fk-title" },
      `A defence is hidden. Examine it with changes of up to ${model.get("epsilon")} a pixel.`),
    element("div", { class: "fk-tests" },
      element("ul", { role: "list", "aria-label": "Tests" }, ...rows.map(({ node }) => node)),
      element("div", {}, element("div", { class: "fk-digits" }, ...canvases), seen)),
    element("p", { class: "fk-title" }, "What is it?"),
    element("div", { class: "fk-row fk-options", role: "group", "aria-label": "Your verdict" },
      ...verdicts.map(({ node }) => node)),
    status.node, again);
  const deafen = listen(model, { "change:seed": () => { round = 0; begin(); } });
  begin();
  status.say("Choose a test.");
  return () => {
    current++;
    deafen();
  };
}

export default widget("mystery", "The mystery defence", start, { networkOf, lazy: true });
