// Set single pixels of a digit to black or white, and see what each of them would do.
// @ts-check

import { confidenceBars } from "./bars.js";
import { percent } from "./confidence.js";
import { arrowStep, isShortcut } from "./keys.js";
import { marginOf } from "./margin.js";
import { networkOf } from "./network.js";
import { indexOfLargest } from "./numbers.js";
import { announcement, button, element, labelled, menu } from "./page.js";
import { fromBytes, paint, picture, toBytes } from "./pictures.js";
import { cellUnder } from "./pointed.js";
import { listen, widget } from "./widget.js";
import { inSlices } from "./work.js";

/** @import { DigitNetwork } from "./network.js" */
/** @import { Start } from "./widget.js" */
/**
 * @typedef {object} Traits as the Python class has them
 * @property {DataView} images
 * @property {number[]} labels
 * @property {number} chosen
 * @property {boolean} keep
 * @property {DataView} image
 * @property {number} changed
 * @property {number} fooling
 * @property {number} answer
 * @property {number[]} confidence
 */
/** @typedef {{ pixel: number, value: number, margin: number }} Effect of one pixel set anew */

// Each pixel, set to black and to white: the better of the two, pixel by pixel.
/**
 * @param {DigitNetwork} net
 * @param {Float64Array} image
 * @param {number} label
 * @returns {Generator<Effect, void>}
 */
export function* everyPixel(net, image, label) {
  const trial = Float64Array.from(image);
  for (let pixel = 0; pixel < image.length; pixel++) {
    /** @type {Effect} */
    let best = { pixel, value: 0, margin: -Infinity };
    for (const value of [0, 1]) {
      trial[pixel] = value;
      const margin = marginOf(net.logits(trial), label).lead;
      if (margin > best.margin) best = { pixel, value, margin };
    }
    trial[pixel] = image[pixel];
    yield best;
  }
}

/** @param {Start<Traits, DigitNetwork>} start */
function start({ model, root, net }) {
  const total = model.get("labels").length;
  /** @type {Float64Array} */
  let image = new Float64Array(784), whole = image;
  let cursor = 28 * 14 + 14;
  let asked = 0; // which map is the latest that was asked for
  /** @type {Effect[]} */
  let effects = [];

  // ---- what is seen ----
  const canvas = element("canvas", { width: 28, height: 28, class: "fk-picture", "aria-hidden": "true" });
  const frame = element("span", { class: "fk-brush", "aria-hidden": "true" });
  frame.style.width = frame.style.height = `${100 / 28}%`;
  const pad = element("div", {
    class: "fk-pad", tabindex: 0, role: "application", "aria-roledescription": "pixel picker",
    "aria-label": "Digit of 28 by 28 pixels. Arrow keys choose a pixel, Space sets it to black "
      + "or white and takes it back.",
  }, canvas, frame);
  const title = element("p", { class: "fk-title" });
  const bars = confidenceBars("The network's confidence in each digit");
  const status = announcement(), found = announcement();
  found.node.className = "fk-note";
  const map = picture("What each single pixel would do: the lighter, the more the network loses");

  const label = () => model.get("labels")[model.get("chosen")];
  /** @param {number} pixel */
  const place = (pixel) => `row ${Math.floor(pixel / 28) + 1}, column ${pixel % 28 + 1}`;
  const changed = () => image.reduce((sum, value, i) => sum + Number(value !== whole[i]), 0);
  function point() {
    frame.style.left = `${100 * (cursor % 28) / 28}%`;
    frame.style.top = `${100 * Math.floor(cursor / 28) / 28}%`;
  }
  /** @param {string} what */
  function look(what) {
    const confidences = net.confidences(image), answer = indexOfLargest(confidences), count = changed();
    paint(canvas, image);
    bars.show(confidences);
    point();
    title.textContent = `The network, and the label ${label()}`;
    status.say(`${what} ${count} of 784 pixels changed. The label is ${label()}; the network sees `
      + `a${answer === 8 ? "n" : ""} ${answer}, with ${percent(confidences[answer])} confidence.`);
    back.disabled = count === 0;
    asked += 1; // what every pixel would do is another question now
    effects = [];
    strongest.disabled = true;
    every.disabled = false;
    model.set("image", toBytes(image));
    model.set("changed", count);
    model.set("fooling", -1);
    model.set("answer", answer);
    model.set("confidence", Array.from(confidences));
    model.save_changes();
  }

  // ---- what can be done ----
  /**
   * @param {number} pixel
   * @param {number} value
   */
  function set(pixel, value) {
    const taken = image[pixel] !== whole[pixel];
    if (!model.get("keep")) image = Float64Array.from(whole);
    image[pixel] = taken ? whole[pixel] : value;
    cursor = pixel;
    look(`${place(pixel)[0].toUpperCase()}${place(pixel).slice(1)}: `
      + (taken ? "taken back." : `set to ${value ? "white" : "black"}.`));
  }
  /** @param {number} pixel */
  const press = (pixel) => set(pixel, whole[pixel] > 0.5 ? 0 : 1);
  function begin(what = `Digit ${model.get("chosen") + 1} of ${total}.`) {
    whole = fromBytes(model.get("images"), model.get("chosen"));
    image = Float64Array.from(whole);
    paint(map, new Float64Array(784));
    found.say("Which of the 784 would matter? Try every pixel.");
    look(what);
  }
  async function tryAll() {
    const mine = asked, now = marginOf(net.logits(image), label()).lead;
    /** @type {Effect[]} */
    const seen = [];
    every.disabled = true;
    const run = (function* () {
      for (const one of everyPixel(net, image, label())) yield seen[seen.push(one) - 1];
    })();
    await inSlices(run, (latest, ended) => {
      if (asked !== mine || !root.isConnected) return false;
      if (latest && !ended) found.say(`Pixel ${latest.pixel + 1} of 784 …`);
      return true;
    });
    if (asked !== mine || seen.length < 784) return;
    effects = seen;
    const most = seen.reduce((a, b) => (b.margin > a.margin ? b : a));
    const fooling = seen.filter((one) => one.margin > 0).length;
    // black where a pixel does no harm, white where it does the most
    const worst = Math.max(most.margin - now, 1e-9);
    paint(map, Float64Array.from(seen, (one) => Math.max(0, (one.margin - now) / worst)));
    found.say(`${fooling} of 784 pixels would change the answer by themselves. The strongest is `
      + `${place(most.pixel)}, set to ${most.value ? "white" : "black"}: the label's lead over the `
      + `next digit would go from ${(-now).toFixed(1)} to ${(-most.margin).toFixed(1)} (in logits).`);
    strongest.disabled = false;
    model.set("fooling", fooling);
    model.save_changes();
  }
  function setStrongest() {
    const most = effects.reduce((a, b) => (b.margin > a.margin ? b : a));
    if (image[most.pixel] === whole[most.pixel]) set(most.pixel, most.value);
    if (document.activeElement === document.body) every.focus();
  }

  // ---- pointer and keyboard ----
  pad.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const [x, y] = cellUnder(event, canvas, 28);
    press(28 * y + x);
  });
  pad.addEventListener("keydown", (event) => {
    if (isShortcut(event)) return;
    const arrow = arrowStep(event);
    if (arrow) {
      /** @param {number} value */
      const inside = (value) => Math.min(27, Math.max(0, value)), [dx, dy] = arrow;
      cursor = inside(cursor % 28 + dx) + 28 * inside(Math.floor(cursor / 28) + dy);
      point();
    } else if (event.key === " " || event.key === "Enter") press(cursor);
    else return;
    event.preventDefault();
  });

  // ---- controls ----
  const every = button("Try every pixel", tryAll, { class: "fk-main" });
  const strongest = button("Set the strongest", setStrongest);
  const back = button("Whole again", () => {
    begin("Whole again.");
    if (document.activeElement === document.body) pad.focus();
  });
  const choice = menu(Array.from({ length: total }, (_, n) => [n, `digit ${n + 1}`]), (value) => {
    model.set("chosen", Number(value)); // Python's changes and the reader's start alike
    model.save_changes();
  });
  const keep = element("input", { type: "checkbox" });
  keep.addEventListener("change", () => { model.set("keep", keep.checked); model.save_changes(); });
  root.append(
    element("div", { class: "fk-columns" },
      element("div", {}, element("p", { class: "fk-title" }, "Press a pixel"), pad),
      element("div", {}, title, bars.node)),
    element("div", { class: "fk-row" }, labelled("start from ", choice), every, strongest, back,
      element("label", { class: "fk-tick" }, keep, " keep pixels that are set")),
    status.node,
    element("div", { class: "fk-columns" },
      element("div", {}, element("p", { class: "fk-title" }, "What each pixel would do"), map),
      element("div", {}, found.node)));

  const hear = {
    "change:chosen": () => { choice.value = String(model.get("chosen")); begin(); },
    "change:keep": () => { keep.checked = model.get("keep"); },
  };
  const deafen = listen(model, hear);
  choice.value = String(model.get("chosen"));
  keep.checked = model.get("keep");
  begin();
  return deafen;
}

export default widget("one-pixel", "Change one pixel", start, { networkOf });
