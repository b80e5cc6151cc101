// Noise on a digit, and a temperature on its answer: what each of them does to the confidence.
// @ts-check

import { confidenceBars } from "./bars.js";
import { CLASS_COLOURS, percent } from "./confidence.js";
import { networkOf } from "./network.js";
import { indexOfLargest, softmax } from "./numbers.js";
import { announcement, button, element, slider } from "./page.js";
import { fromBytes, paint, picture, toBytes } from "./pictures.js";
import { gaussians } from "./plane.js";
import { Random } from "./random.js";
import { listen, widget } from "./widget.js";

/** @import { DigitNetwork } from "./network.js" */
/** @import { Start } from "./widget.js" */
/**
 * @typedef {object} Traits as the Python class has them
 * @property {DataView} image
 * @property {DataView} samples
 * @property {number} noise
 * @property {number} temperature
 * @property {number} seed
 * @property {number} answer
 * @property {number[]} confidence
 * @property {number[]} tempered
 */

/** @param {Start<Traits, DigitNetwork>} start */
function start({ model, root, net }) {
  /** @type {Float64Array} */
  let noise; // 784 numbers with a Gaussian distribution, the same at every level
  let asked = false, told = 0;

  const canvas = picture("The image", { class: "fk-picture fk-large" });
  const status = announcement();
  const plain = confidenceBars("Confidence in each digit at temperature 1");
  const tempered = confidenceBars("Confidence in each digit at your temperature");
  const heading = element("p", { class: "fk-title" });
  /** @param {number} value */
  const warmth = (value) => (value < 1 ? value.toFixed(2) : value.toFixed(1));

  function look() { // at most once a frame, while a slider moves
    asked = false;
    const clean = fromBytes(model.get("image")), level = model.get("noise"), T = model.get("temperature");
    const image = clean.map((value, i) => Math.min(1, Math.max(0, value + level * noise[i])));
    const logits = net.logits(image), before = softmax(logits), after = softmax(logits.map((z) => z / T));
    const answer = indexOfLargest(before);
    paint(canvas, image);
    canvas.setAttribute("aria-label", `The image, with noise of ${level.toFixed(2)}`);
    plain.show(before);
    tempered.show(after);
    heading.textContent = `at temperature ${warmth(T)}`;
    clearTimeout(told);
    told = setTimeout(() => conclude({ level, T, before, after, answer }), 250); // once it rests
  }
  /**
   * @param {object} found
   * @param {number} found.level
   * @param {number} found.T
   * @param {number[]} found.before
   * @param {number[]} found.after
   * @param {number} found.answer
   */
  function conclude({ level, T, before, after, answer }) {
    const [sure, now] = [before, after].map((confidences) => percent(confidences[answer]));
    status.say(`With noise of ${level.toFixed(2)} the network says ${answer}, ${sure} sure. `
      + (Math.abs(T - 1) < 0.005 ? "That is at temperature 1."
        : `At temperature ${warmth(T)} it says ${answer} all the same, ${now} sure.`));
    model.set("answer", answer);
    model.set("confidence", Array.from(before));
    model.set("tempered", Array.from(after));
    model.save_changes();
  }
  function changed() {
    if (!asked) { asked = true; requestAnimationFrame(look); }
  }

  // ---- controls ----
  /** @type {typeof model.set} */
  const set = (name, value) => { model.set(name, value); model.save_changes(); };
  const level = slider("noise", {
    min: 0, max: 1, step: 0.01, value: model.get("noise"), format: (value) => value.toFixed(2),
  }, (value) => set("noise", value));
  const knob = slider("temperature", { // a step of the slider is a factor, not a difference
    min: -1, max: 3, step: 0.05, value: Math.log(model.get("temperature")),
    format: (value) => warmth(Math.exp(value)),
  }, (value) => set("temperature", Math.exp(value)));
  const coins = () => { // black or white, as a coin decides
    const random = new Random(1000000 + model.get("seed"));
    return Float64Array.from({ length: 784 }, () => (random.next() < 0.5 ? 0 : 1));
  };
  const samples = element("div", { class: "fk-row", role: "group", "aria-label": "Choose an image" },
    element("span", {}, "image:"),
    ...CLASS_COLOURS.map((_, digit) => button(String(digit),
      () => set("image", toBytes(fromBytes(model.get("samples"), digit))),
      { "aria-label": `a real ${digit}` })),
    button("coin tosses", () => set("image", toBytes(coins()))));
  const shuffle = () => { noise = gaussians(new Random(model.get("seed"))); };

  root.append(samples,
    element("div", { class: "fk-row" }, level.node,
      button("Other noise", () => set("seed", (model.get("seed") + 1) % 1000000)), knob.node,
      button("Temperature 1", () => { set("temperature", 1); })),
    canvas, status.node,
    element("div", { class: "fk-pair" },
      element("div", {}, element("p", { class: "fk-title" }, "at temperature 1"), plain.node),
      element("div", {}, heading, tempered.node)));

  const hear = {
    "change:image": changed,
    "change:noise": () => { level.set(model.get("noise")); changed(); },
    "change:temperature": () => { knob.set(Math.log(model.get("temperature"))); changed(); },
    "change:seed": () => { shuffle(); changed(); },
  };
  const deafen = listen(model, hear);
  shuffle();
  look();
  return () => {
    clearTimeout(told);
    deafen();
  };
}

export default widget("temperature", "Noise and temperature", start, { networkOf });
