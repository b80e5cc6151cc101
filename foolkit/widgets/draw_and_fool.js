// Draw a digit, see what the network makes of it, and change it until the answer changes; beside
// it, noise that is bred until the network takes it for the same digit.
// @ts-check

import { fool } from "./attack.js";
import { confidenceBars } from "./bars.js";
import { bredNoise } from "./bred_noise.js";
import { changeCurve } from "./change_curve.js";
import { CERTAIN, CLASS_COLOURS, percent } from "./confidence.js";
import { drawingPad } from "./drawing_pad.js";
import { networkOf } from "./network.js";
import { indexOfLargest } from "./numbers.js";
import { announcement, button, element, labelled, lessMotion, menu, slider } from "./page.js";
import { fromBytes, paint, picture, toBytes } from "./pictures.js";
import { listen, widget } from "./widget.js";
import { inSlices } from "./work.js";

/** @import { DigitNetwork } from "./network.js" */
/** @import { Fooling } from "./attack.js" */
/** @import { Start } from "./widget.js" */
/** @typedef {"drawing" | "changed" | "noise"} Subject whose confidences the bars show */
/**
 * @typedef {object} Traits as the Python class has them
 * @property {DataView} image
 * @property {DataView} samples
 * @property {number} epsilon
 * @property {number | null} target
 * @property {boolean} play
 * @property {number} answer
 * @property {number[]} confidence
 * @property {number} steps
 * @property {DataView} fooled
 */

const BLINK = 500; // milliseconds between two pictures: one full flicker a second
const PAUSE = 1500; // milliseconds to look at the answer that changed, where it begins by itself
const FURTHEST = 0.5; // how far a pixel may go "until it is certain"
const POINTS = 25; // of the curve of confidence against change

/** @param {Start<Traits, DigitNetwork>} start */
function start({ model, root, net }) {
  let drawing = fromBytes(model.get("image"));
  /** @type {Fooling | null} */
  let fooled = null; // of the last attack, its latest step
  let run = 0; // which attack is the current one; a newer one ends an older one
  let share = 1; // of the change, how much is shown
  let blinking = 0;

  // ---- three pictures, and what the network says of them ----
  const status = announcement();
  const pad = drawingPad({
    pixels: () => drawing, changed, finished, wipe: () => begin(new Float64Array(784)), say: status.say,
  });
  const after = picture("The changed image"), change = picture("The change, amplified");
  const changeText = element("p", { class: "fk-note" });
  const [drawingSays, afterSays] = [0, 1].map(() => element("p", { class: "fk-verdict" }));
  const bars = confidenceBars("The network's confidence in each digit");
  const subject = menu([["drawing", "in the digit"], ["changed", "in the changed digit"], ["noise", "in the noise"]],
    () => showBars());
  subject.setAttribute("aria-label", "Whose confidences the bars show");
  const noise = bredNoise(net, {
    goal: () => indexOfLargest(net.confidences(drawing)), shown: () => showBars("noise"),
    rested: (text) => status.say(text),
  });
  const curve = changeCurve(Math.min(560, Math.max(270, root.clientWidth - 26)), (chosen) => {
    stopBlinking();
    share = chosen;
    drawChanged();
    look("changed");
  });

  /** @param {Float64Array} image */
  function verdict(image) {
    const confidences = net.confidences(image), answer = indexOfLargest(confidences);
    return { confidences, answer, text: `“${answer}”, ${percent(confidences[answer])}` };
  }
  const images = { drawing: () => drawing, changed: shownChange, noise: () => noise.image };
  /** @param {string} [only] draw the bars only if they are those of this picture */
  function showBars(only = subject.value) {
    if (only === subject.value) bars.show(net.confidences(images[/** @type {Subject} */ (only)]()));
  }
  /** @param {Subject} at */
  function look(at) {
    subject.value = at;
    showBars();
  }
  function drawDrawing() {
    pad.paint();
    drawingSays.textContent = verdict(drawing).text;
    noise.name();
  }
  function shownChange() {
    const found = fooled;
    return found ? drawing.map((x, i) => x + share * (found.image[i] - x)) : drawing;
  }
  function drawChanged() { // returns the largest change of a pixel
    const image = shownChange(), { text } = verdict(image);
    paint(after, image);
    afterSays.textContent = fooled ? text : "not changed yet";
    after.setAttribute("aria-label", fooled ? `The changed image; the network says ${text}` : "Not changed yet");
    const difference = image.map((value, i) => value - drawing[i]);
    const largest = Math.max(...difference.map(Math.abs)), factor = largest > 0 ? 1 / largest : 1;
    paint(change, difference.map((d) => 0.5 + 0.5 * factor * d));
    changeText.textContent = largest > 0 ? `the change, ${factor.toFixed(factor < 10 ? 1 : 0)} times as strong`
      : "no change";
    change.setAttribute("aria-label", `The change, amplified: white was added, black taken away; the `
      + `largest is ${largest.toFixed(3)}`);
    return largest;
  }

  // ---- a new drawing ----
  let asked = false;
  function changed() { // at most once a frame, while the pen moves
    if (fooled) forget();
    run++;
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      drawDrawing();
      drawChanged();
      look("drawing");
    });
  }
  function finished() { // a stroke is complete: tell Python and the reader
    const { confidences, answer, text } = verdict(drawing);
    status.say(`The network sees ${text}.`);
    model.set("image", toBytes(drawing));
    tell({ answer, confidences, steps: 0 }, null);
  }
  /**
   * @param {{ answer: number, confidences: number[], steps: number }} found
   * @param {Float64Array | null} image
   */
  function tell({ answer, confidences, steps }, image) {
    model.set("answer", answer);
    model.set("confidence", Array.from(confidences));
    model.set("steps", steps);
    model.set("fooled", image ? toBytes(image) : new DataView(new ArrayBuffer(0)));
    model.save_changes();
  }
  /** @param {Float64Array} pixels */
  function begin(pixels) {
    drawing = Float64Array.from(pixels);
    forget();
    drawDrawing();
    drawChanged();
    look("drawing");
    finished();
  }
  function forget() {
    run++;
    fooled = null;
    share = 1;
    stopBlinking();
    curve.clear();
    for (const one of [certain, flicker]) one.disabled = true;
  }

  // ---- fool it ----
  async function foolIt() {
    const epsilon = model.get("epsilon"), target = model.get("target") ?? null;
    const before = indexOfLargest(net.confidences(drawing));
    forget();
    if (target === before) {
      drawChanged();
      status.say(`The network already sees a “${target}”: choose another digit.`);
      return;
    }
    const found = await attack(fool(net, drawing, { epsilon, target }));
    if (!found) return;
    const { answer, first, steps, done } = found;
    conclude(found, done
      ? `Fooled in ${count(steps)}: the “${first}” is now called “${answer}”, with `
        + `${percent(found.confidences[answer])} confidence.`
      : `${target === null ? `Still “${answer}”` : `Not “${target}” yet`} after ${count(steps)}. `
        + `A change of ${epsilon.toFixed(2)} a pixel is not enough: allow more.`);
  }
  async function untilCertain() { // onwards from where the answer changed, out of the first box
    if (!fooled) return;
    const { answer: target, image: from, steps: before } = fooled;
    const epsilon = Math.max(FURTHEST, model.get("epsilon"));
    certain.disabled = true;
    const found = await attack(fool(net, drawing, { epsilon, target, from, until: CERTAIN, step: 0.01 }), before);
    if (!found) return;
    conclude(found, `${found.done ? "Certain" : "Not certain yet"} after ${count(found.steps)}: “${target}” with `
      + `${percent(found.confidences[found.answer])} confidence.`);
  }
  const count = (/** @type {number} */ steps) => `${steps} ${steps === 1 ? "step" : "steps"}`;

  // Draws an attack as it goes; null: something newer ended it.
  /**
   * @param {Generator<Fooling, void>} steps
   * @param {number} [before] steps that were taken earlier
   * @returns {Promise<Fooling | null>}
   */
  async function attack(steps, before = 0) {
    const mine = ++run;
    share = 1;
    stopBlinking();
    await inSlices(steps, (latest) => {
      if (mine !== run) return false;
      if (latest) fooled = { ...latest, steps: before + latest.steps };
      drawChanged();
      look("changed");
      return true;
    });
    return mine === run ? fooled : null;
  }

  /**
   * @param {Fooling} found
   * @param {string} news
   */
  function conclude(found, news) {
    const largest = drawChanged(), { first, answer, image } = found;
    status.say(`${news} No pixel changed by more than ${largest.toFixed(2)}.`);
    tell(found, image);
    flicker.disabled = false;
    certain.disabled = answer === first || found.confidences[answer] >= CERTAIN;
    const mine = run, /** @type {number[][]} */ confidences = [];
    function* judge() {
      for (let n = 0; n < POINTS; n++) {
        yield confidences.push(net.confidences(drawing.map((x, i) => x + n / (POINTS - 1) * (image[i] - x))));
      }
    }
    inSlices(judge(), (_, ended) => {
      if (mine !== run) return false;
      if (ended) curve.show({ confidences, first, answer, largest });
      return true;
    });
  }

  // ---- before and after in turn ----
  const flicker = button("", () => {
    if (blinking) { stopBlinking(); drawChanged(); } else startBlinking();
  });
  function startBlinking() {
    let second = false;
    const turn = () => {
      second = !second;
      if (!second) { drawChanged(); return; }
      paint(after, drawing);
      afterSays.textContent = "before";
    };
    flicker.setAttribute("aria-pressed", "true");
    blinking = lessMotion() ? -1 : setInterval(turn, BLINK);
    turn();
  }
  function stopBlinking() {
    if (blinking > 0) clearInterval(blinking);
    blinking = 0;
    flicker.setAttribute("aria-pressed", "false");
    flicker.textContent = lessMotion() ? "Show before" : "Flicker";
  }

  // ---- controls ----
  const certain = button("Until it is certain", untilCertain);
  const samples = element("div", { class: "fk-row", role: "group", "aria-label": "Start from a real digit" },
    element("span", {}, "or a real digit:"),
    ...CLASS_COLOURS.map((_, digit) => button(String(digit),
      () => begin(fromBytes(model.get("samples"), digit)), { "aria-label": `a real ${digit}` })));
  const epsilon = slider("largest change of a pixel (ε) to fool it", {
    min: 0.01, max: 0.5, step: 0.01, value: model.get("epsilon"), format: (value) => value.toFixed(2),
  }, (value) => { model.set("epsilon", value); model.save_changes(); });
  const goals = [["", "anything else"], ...CLASS_COLOURS.map((_, digit) => [digit, `“${digit}”`])];
  const goal = menu(goals, (value) => {
    model.set("target", value === "" ? null : Number(value));
    model.save_changes();
  });
  const showGoal = () => { goal.value = String(model.get("target") ?? ""); };

  const shot = (/** @type {string} */ title, /** @type {Node[]} */ ...rest) =>
    element("div", { class: "fk-shot" }, element("p", { class: "fk-title" }, title), ...rest);
  const buttons = (/** @type {Node[]} */ ...all) => element("div", { class: "fk-row" }, ...all);
  root.append(
    element("div", { class: "fk-stage" },
      shot("draw a digit", pad.node, drawingSays,
        buttons(button("Wipe", () => begin(new Float64Array(784))))),
      shot("the same, changed", after, afterSays,
        buttons(button("Fool it", foolIt, { class: "fk-main" }), certain)),
      shot("noise, bred", noise.node, noise.said, buttons(noise.start, noise.count)),
      shot("confidence", subject, bars.node)),
    status.node,
    element("div", { class: "fk-path" }, curve.node, element("div", {}, change, changeText, buttons(flicker))),
    samples,
    buttons(epsilon.node, labelled("make it ", goal)));

  // ---- Python may change things too ----
  const hear = {
    "change:image": () => {
      const image = fromBytes(model.get("image"));
      if (image.some((value, i) => Math.abs(value - drawing[i]) > 1 / 255)) begin(image);
    },
    "change:epsilon": () => epsilon.set(model.get("epsilon")),
    "change:target": showGoal,
  };
  const deafen = listen(model, hear);
  showGoal();
  forget();
  drawDrawing();
  drawChanged();
  look("drawing");

  // ---- once it is seen, it may begin by itself ----
  async function play() {
    noise.breed();
    await foolIt();
    const mine = run; // the reader may have begun something else
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    if (mine === run) untilCertain();
  }
  const watch = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    watch.disconnect();
    if (model.get("play")) play();
  });
  watch.observe(root);
  return () => {
    watch.disconnect();
    forget();
    noise.stop();
    deafen();
  };
}

export default widget("draw", "Draw a digit and fool the network", start, { networkOf });
