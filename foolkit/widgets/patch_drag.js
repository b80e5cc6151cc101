// Drag a patch over a digit, and watch the ten bars; or try every place at once.
// @ts-check

import { confidenceBars } from "./bars.js";
import { percent } from "./confidence.js";
import { arrowStep, isShortcut } from "./keys.js";
import { networkOf } from "./network.js";
import { indexOfLargest } from "./numbers.js";
import { announcement, button, element, labelled, menu } from "./page.js";
import { fromBytes, paint, picture } from "./pictures.js";
import { cellUnder } from "./pointed.js";
import { listen, widget } from "./widget.js";
import { inSlices } from "./work.js";

/** @import { DigitNetwork } from "./network.js" */
/** @import { Start } from "./widget.js" */
/**
 * @typedef {object} Traits as the Python class has them
 * @property {DataView} images
 * @property {number[]} labels
 * @property {DataView} patches
 * @property {number} side
 * @property {string[]} names
 * @property {number} chosen
 * @property {number} patch
 * @property {number[]} corner
 * @property {number[]} answers
 * @property {number} answer
 * @property {number[]} confidence
 */

// The image with a square patch laid on it, as foolkit.gradients.Patch.apply does.
/**
 * @param {Float64Array} image
 * @param {Float64Array} patch
 * @param {number} top
 * @param {number} left
 */
export function laid(image, patch, top, left) {
  const side = Math.sqrt(patch.length), out = Float64Array.from(image);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) out[28 * (top + y) + left + x] = patch[side * y + x];
  }
  return out;
}

// What the network says at every place where the patch fits, row by row.
/**
 * @param {DigitNetwork} net
 * @param {Float64Array} image
 * @param {Float64Array} patch
 * @returns {Generator<number, void>}
 */
export function* everyPlace(net, image, patch) {
  const places = 29 - Math.sqrt(patch.length);
  for (let top = 0; top < places; top++) {
    for (let left = 0; left < places; left++) {
      yield indexOfLargest(net.logits(laid(image, patch, top, left)));
    }
  }
}

/** @param {Start<Traits, DigitNetwork>} start */
function start({ model, root, net }) {
  const total = model.get("labels").length, names = model.get("names");
  const side = model.get("side"), places = 29 - side;
  const patchAt = (/** @type {number} */ n) => {
    const view = model.get("patches"), from = view.byteOffset + side * side * n;
    return Float64Array.from(new Uint8Array(view.buffer, from, side * side), (byte) => byte / 255);
  };
  let image = new Float64Array(784), patch = patchAt(model.get("patch"));
  let [top, left] = model.get("corner");
  let asked = 0; // which map is the latest that was asked for

  // ---- what is seen ----
  const canvas = element("canvas", { width: 28, height: 28, class: "fk-picture", "aria-hidden": "true" });
  const frame = element("span", { class: "fk-brush", "aria-hidden": "true" });
  frame.style.width = frame.style.height = `${100 * side / 28}%`;
  const pad = element("div", {
    class: "fk-pad", tabindex: 0, role: "application", "aria-roledescription": "patch to move",
    "aria-label": "Digit with a patch on it. Arrow keys move the patch by one pixel.",
  }, canvas, frame);
  const title = element("p", { class: "fk-title" });
  const bars = confidenceBars("The network's confidence in each digit");
  const status = announcement(), found = announcement();
  found.node.className = "fk-note";
  const map = picture("Where the patch changes the answer: white", { width: places, height: places });

  const label = () => model.get("labels")[model.get("chosen")];
  function show() {
    const now = laid(image, patch, top, left), confidences = net.confidences(now);
    paint(canvas, now);
    bars.show(confidences);
    frame.style.left = `${100 * left / 28}%`;
    frame.style.top = `${100 * top / 28}%`;
    return confidences;
  }
  /** @param {string} what */
  function look(what) {
    const confidences = show(), answer = indexOfLargest(confidences);
    title.textContent = `The network, and the label ${label()}`;
    status.say(`${what} ${names[model.get("patch")]} at row ${top + 1}, column ${left + 1}. The label `
      + `is ${label()}; the network sees a${answer === 8 ? "n" : ""} ${answer}, with `
      + `${percent(confidences[answer])} confidence.`);
    model.set("corner", [top, left]);
    model.set("answer", answer);
    model.set("confidence", Array.from(confidences));
    model.save_changes();
  }

  // ---- what can be done ----
  /**
   * @param {number} down
   * @param {number} across
   */
  function move(down, across) {
    /** @param {number} value */
    const inside = (value) => Math.min(places - 1, Math.max(0, value));
    [top, left] = [inside(down), inside(across)];
  }
  function begin(/** @type {string} */ what) { // of another digit or patch nothing is known yet
    image = fromBytes(model.get("images"), model.get("chosen"));
    patch = patchAt(model.get("patch"));
    asked += 1;
    every.disabled = false;
    paint(map, new Float64Array(places * places));
    found.say(`Does it work wherever it is put? Try all ${places * places} places.`);
    look(what);
  }
  async function tryAll() {
    const mine = asked;
    /** @type {number[]} */
    const answers = [];
    every.disabled = true;
    const run = (function* () {
      for (const answer of everyPlace(net, image, patch)) yield answers.push(answer);
    })();
    await inSlices(run, () => asked === mine && root.isConnected);
    if (asked !== mine || answers.length < places * places) return;
    const others = answers.filter((answer) => answer !== label()), fooled = others.length;
    const counts = Array.from({ length: 10 }, (_, digit) => others.filter((one) => one === digit).length);
    const most = indexOfLargest(counts);
    paint(map, Float64Array.from(answers, (answer) => Number(answer !== label())));
    found.say(`With its corner at ${fooled} of ${places * places} places the network no longer sees `
      + `a${label() === 8 ? "n" : ""} ${label()} (white on the map)`
      + (fooled ? `, at ${counts[most]} of them a${most === 8 ? "n" : ""} ${most}.` : "."));
    model.set("answers", answers);
    model.save_changes();
  }

  // ---- pointer and keyboard ----
  let dragging = false, grip = [0, 0]; // from the patch's corner to the pointer
  /** @param {PointerEvent} event */
  function drag(event) {
    const [x, y] = cellUnder(event, canvas, 28);
    move(y - grip[0], x - grip[1]);
    show();
  }
  pad.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    pad.setPointerCapture(event.pointerId);
    dragging = true;
    const [x, y] = cellUnder(event, canvas, 28);
    const on = y >= top && y < top + side && x >= left && x < left + side;
    grip = on ? [y - top, x - left] : [Math.floor(side / 2), Math.floor(side / 2)];
    drag(event);
  });
  pad.addEventListener("pointermove", (event) => { if (dragging) drag(event); });
  for (const end of ["pointerup", "pointercancel"]) {
    pad.addEventListener(end, () => { if (dragging) { dragging = false; look("Moved:"); } });
  }
  pad.addEventListener("keydown", (event) => {
    const arrow = arrowStep(event);
    if (!arrow || isShortcut(event)) return;
    const [dx, dy] = arrow;
    move(top + dy, left + dx);
    look("Moved:");
    event.preventDefault();
  });

  // ---- controls ----
  /** @param {"chosen" | "patch"} name */
  const set = (name) => (/** @type {string} */ value) => { // Python's changes and the reader's start alike
    model.set(name, Number(value));
    model.save_changes();
  };
  const digit = menu(Array.from({ length: total }, (_, n) => [n, `digit ${n + 1}`]), set("chosen"));
  const choice = menu(names.map((name, n) => [n, name]), set("patch"));
  const every = button("Try every place", tryAll, { class: "fk-main" });
  root.append(
    element("div", { class: "fk-columns" },
      element("div", {}, element("p", { class: "fk-title" }, "Drag the patch"), pad),
      element("div", {}, title, bars.node)),
    element("div", { class: "fk-row" }, labelled("digit ", digit), labelled("patch ", choice), every),
    status.node,
    element("div", { class: "fk-columns" },
      element("div", {}, element("p", { class: "fk-title" }, "Where it works"), map),
      element("div", {}, found.node)));

  function setUp() {
    digit.value = String(model.get("chosen"));
    choice.value = String(model.get("patch"));
  }
  const hear = {
    "change:chosen": () => { setUp(); begin("Another digit:"); },
    "change:patch": () => { setUp(); begin("Another patch:"); },
    "change:corner": () => {
      const [down, across] = model.get("corner");
      if (down === top && across === left) return; // what this page has set itself
      move(down, across);
      look("Moved:");
    },
  };
  const deafen = listen(model, hear);
  setUp();
  begin("This is");
  return deafen;
}

export default widget("patch-drag", "Drag a patch over a digit", start, { networkOf });
