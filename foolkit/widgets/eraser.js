// Rub out copies of a motif, or tile one, and watch the ten bars.
// @ts-check

import { confidenceBars } from "./bars.js";
import { percent } from "./confidence.js";
import { arrowStep, isShortcut } from "./keys.js";
import { networkOf } from "./network.js";
import { indexOfLargest } from "./numbers.js";
import { announcement, button, element, labelled, menu, slider } from "./page.js";
import { fromBytes, paint, toBytes } from "./pictures.js";
import { listen, widget } from "./widget.js";

/** @import { DigitNetwork } from "./network.js" */
/** @import { Start } from "./widget.js" */
/**
 * @typedef {object} Traits as the Python class has them
 * @property {DataView} images
 * @property {number} chosen
 * @property {number} brush
 * @property {DataView} image
 * @property {number} answer
 * @property {number[]} confidence
 */

const TILES = [1, 4, 9, 16];

/** @param {Start<Traits, DigitNetwork>} start */
function start({ model, root, net }) {
  const total = Math.round(model.get("images").byteLength / 784);
  /** @param {Float64Array} pixels */
  const mean = (pixels) => pixels.reduce((a, b) => a + b) / pixels.length;
  /** @type {Float64Array} */
  let image = new Float64Array(784); // the pixels now
  let grey = 0; // what the brush leaves
  /** @type {Float64Array[]} */
  let past = []; // the pixels before each act
  const cursor = { x: 14, y: 14 };

  // ---- what is seen ----
  const canvas = element("canvas", { width: 28, height: 28, class: "fk-picture", "aria-hidden": "true" });
  const frame = element("span", { class: "fk-brush", "aria-hidden": "true" });
  const pad = element("div", {
    class: "fk-pad", tabindex: 0, role: "application", "aria-roledescription": "eraser",
    "aria-label": "Image of 28 by 28 pixels. Arrow keys move the brush, Space rubs out what is "
      + "under it, U takes it back.",
  }, canvas, frame);
  const bars = confidenceBars("The network's confidence in each digit");
  const status = announcement();

  // Left, right, top and bottom of the brush, which stays inside the image.
  function square() {
    const side = model.get("brush");
    /** @param {number} middle */
    const start = (middle) => Math.min(28 - side, Math.max(0, Math.round(middle - side / 2)));
    return { side, left: start(cursor.x), top: start(cursor.y) };
  }
  function showBrush() {
    const { side, left, top } = square();
    frame.style.left = `${100 * left / 28}%`;
    frame.style.top = `${100 * top / 28}%`;
    frame.style.width = frame.style.height = `${100 * side / 28}%`;
  }
  /** @param {string} [what] */
  function look(what) {
    const confidences = net.confidences(image), answer = indexOfLargest(confidences);
    paint(canvas, image);
    bars.show(confidences);
    undoButton.disabled = past.length === 0;
    if (!what) return;
    status.say(`${what} The network sees a ${answer}, with ${percent(confidences[answer])} confidence.`);
    model.set("image", toBytes(image));
    model.set("answer", answer);
    model.set("confidence", Array.from(confidences));
    model.save_changes();
  }

  // ---- what can be done ----
  const remember = () => past.push(Float64Array.from(image));
  function rub() {
    const { side, left, top } = square();
    for (let y = top; y < top + side; y++) image.fill(grey, 28 * y + left, 28 * y + left + side);
  }
  function undo() {
    const before = past.pop();
    if (!before) return;
    image = before;
    look("Taken back.");
    if (undoButton.disabled && document.activeElement === document.body) pad.focus();
  }
  function start(what = `Image ${model.get("chosen") + 1} of ${total}.`) {
    image = fromBytes(model.get("images"), model.get("chosen"));
    grey = Math.round(255 * mean(image)) / 255;
    past = [];
    look(what);
  }
  /** @param {number} copies */
  function tile(copies) { // of what the brush covers in the untouched image
    const whole = fromBytes(model.get("images"), model.get("chosen"));
    const { side, left, top } = square(), row = Math.sqrt(copies);
    const from = Math.floor((28 - row * side) / 2);
    remember();
    image = new Float64Array(784);
    for (let y = 0; y < row * side; y++) {
      for (let x = 0; x < row * side; x++) {
        const [down, along] = [from + y, from + x];
        if (down < 0 || along < 0 || down > 27 || along > 27) continue;
        image[28 * down + along] = whole[28 * (top + y % side) + left + x % side];
      }
    }
    look(`${copies} ${copies === 1 ? "copy" : "copies"} of the square under the brush.`);
  }

  // ---- pointer and keyboard ----
  let rubbing = false;
  /** @param {PointerEvent} event */
  function point(event) {
    const box = canvas.getBoundingClientRect();
    cursor.x = 28 * (event.clientX - box.left) / box.width;
    cursor.y = 28 * (event.clientY - box.top) / box.height;
    showBrush();
  }
  pad.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    pad.setPointerCapture(event.pointerId);
    rubbing = true;
    point(event);
    remember();
    rub();
    look();
  });
  pad.addEventListener("pointermove", (event) => {
    if (!rubbing) return; // the brush marks the motif: only a press moves it
    point(event);
    rub();
    look();
  });
  for (const end of ["pointerup", "pointercancel"]) {
    pad.addEventListener(end, () => { if (rubbing) { rubbing = false; look("Rubbed out."); } });
  }
  pad.addEventListener("keydown", (event) => {
    if (isShortcut(event)) return;
    const arrow = arrowStep(event);
    if (arrow) {
      const { side, left, top } = square(), [dx, dy] = arrow;
      cursor.x = Math.min(28 - side, Math.max(0, left + dx)) + side / 2;
      cursor.y = Math.min(28 - side, Math.max(0, top + dy)) + side / 2;
      showBrush();
    } else if (event.key === " ") {
      remember();
      rub();
      look("Rubbed out.");
    } else if (event.key === "u" || event.key === "U") undo();
    else return;
    event.preventDefault();
  });

  // ---- controls ----
  const undoButton = button("Undo", undo);
  const brush = slider("brush, pixels", {
    min: 1, max: 14, step: 1, value: model.get("brush"), format: String,
  }, (value) => { model.set("brush", value); model.save_changes(); showBrush(); });
  const choice = menu(Array.from({ length: total }, (_, n) => [n, `image ${n + 1}`]), (value) => {
    model.set("chosen", Number(value)); // Python's changes and the reader's start alike
    model.save_changes();
  });
  root.append(
    element("div", { class: "fk-columns" },
      element("div", {}, element("p", { class: "fk-title" }, "Rub out what repeats"), pad),
      element("div", {}, element("p", { class: "fk-title" }, "The network on this image"), bars.node)),
    element("div", { class: "fk-row" }, labelled("start from ", choice), brush.node, undoButton,
      button("Whole again", () => start("Whole again."))),
    element("div", { class: "fk-row", role: "group", "aria-label": "Tile the square under the brush" },
      element("span", {}, "or tile the square under the brush:"),
      ...TILES.map((copies) => button(String(copies), () => tile(copies),
        { "aria-label": `${copies} ${copies === 1 ? "copy" : "copies"}` }))),
    status.node);

  const hear = {
    "change:chosen": () => { choice.value = String(model.get("chosen")); start(); },
    "change:brush": () => { brush.set(model.get("brush")); showBrush(); },
  };
  const deafen = listen(model, hear);
  choice.value = String(model.get("chosen"));
  showBrush();
  start();
  return deafen;
}

export default widget("eraser", "Rub out the repeats", start, { networkOf });
