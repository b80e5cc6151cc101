// Draw a digit, see what the network makes of it, and change it until the answer changes.
// @ts-check

import { fool } from "./attack.js";
import { confidenceBars } from "./bars.js";
import { CLASS_COLOURS, percent } from "./confidence.js";
import { arrowStep } from "./keys.js";
import { networkOf } from "./network.js";
import { indexOfLargest } from "./numbers.js";
import { announcement, button, element, labelled, lessMotion, menu, slider } from "./page.js";
import { fromBytes, paint, picture, toBytes } from "./pictures.js";
import { listen, widget } from "./widget.js";
import { inSlices } from "./work.js";

/** @import { DigitNetwork } from "./network.js" */
/** @import { Fooling } from "./attack.js" */
/** @import { Start } from "./widget.js" */
/**
 * @typedef {object} Traits as the Python class has them
 * @property {DataView} image
 * @property {DataView} samples
 * @property {number} epsilon
 * @property {number | null} target
 * @property {number} answer
 * @property {number[]} confidence
 * @property {number} steps
 * @property {DataView} fooled
 */

const PEN = 1.7; // the pen's reach in pixels: about the width of a stroke in MNIST
const BLINK = 500; // milliseconds between two pictures: one full flicker a second

/** @param {Start<Traits, DigitNetwork>} start */
function start({ model, root, net }) {
  let drawing = fromBytes(model.get("image"));
  /** @type {Fooling | null} */
  let fooled = null; // of the last attack, its latest step
  let run = 0; // which attack is the current one; a newer one ends an older one
  let blinking = 0;

  // ---- the drawing pad ----
  const canvas = element("canvas", { width: 28, height: 28, class: "fk-picture", "aria-hidden": "true" });
  const cursor = element("span", { class: "fk-cursor", "aria-hidden": "true" });
  const pad = element("div", {
    class: "fk-pad", tabindex: 0, role: "application", "aria-roledescription": "drawing pad",
    "aria-label": "Drawing pad of 28 by 28 pixels. Arrow keys move the pen, Space puts it down "
      + "or lifts it, Delete wipes the pad.",
  }, canvas, element("span", { class: "fk-guide", "aria-hidden": "true" }), cursor);
  const pen = { x: 14, y: 14, down: false };

  /**
   * @param {number} fromX
   * @param {number} fromY
   * @param {number} toX
   * @param {number} toY
   */
  function stroke(fromX, fromY, toX, toY) {
    const dx = toX - fromX, dy = toY - fromY, length = dx * dx + dy * dy;
    for (let i = 0; i < 784; i++) {
      const x = (i % 28) + 0.5 - fromX, y = Math.floor(i / 28) + 0.5 - fromY;
      const along = length ? Math.min(1, Math.max(0, (x * dx + y * dy) / length)) : 0;
      const distance = Math.hypot(x - along * dx, y - along * dy);
      drawing[i] = Math.max(drawing[i], Math.min(1, Math.max(0, PEN - distance)));
    }
    changed();
  }

  /** @type {[number, number] | null} */
  let last = null; // where the mouse or finger was, while it is down
  /**
   * @param {PointerEvent} event
   * @returns {[number, number]}
   */
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [28 * (event.clientX - box.left) / box.width, 28 * (event.clientY - box.top) / box.height];
  };
  pad.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    pad.setPointerCapture(event.pointerId);
    last = place(event);
    stroke(...last, ...last);
  });
  pad.addEventListener("pointermove", (event) => {
    if (!last) return;
    const coalesced = event.getCoalescedEvents?.() ?? [];
    for (const one of coalesced.length ? coalesced : [event]) {
      const here = place(one);
      stroke(...last, ...here);
      last = here;
    }
  });
  for (const end of ["pointerup", "pointercancel"]) {
    pad.addEventListener(end, () => { if (last) { last = null; finished(); } });
  }

  pad.addEventListener("keydown", (event) => {
    const arrow = arrowStep(event);
    if (arrow) {
      const [dx, dy] = arrow, { x, y } = pen;
      pen.x = Math.min(27, Math.max(1, x + dx));
      pen.y = Math.min(27, Math.max(1, y + dy));
      if (pen.down) stroke(x, y, pen.x, pen.y);
    } else if (event.key === " ") {
      pen.down = !pen.down;
      if (pen.down) stroke(pen.x, pen.y, pen.x, pen.y);
      else finished();
      if (pen.down) status.say("Pen down.");
    } else if (event.key === "Delete" || event.key === "Backspace") wipe();
    else return;
    event.preventDefault();
    moveCursor();
  });
  pad.addEventListener("blur", () => { if (pen.down) { pen.down = false; moveCursor(); finished(); } });
  function moveCursor() {
    cursor.style.left = `${100 * pen.x / 28}%`;
    cursor.style.top = `${100 * pen.y / 28}%`;
    cursor.classList.toggle("fk-down", pen.down);
  }

  // ---- what the network says ----
  const status = announcement();
  const subject = element("p", { class: "fk-title" });
  const bars = confidenceBars("The network's confidence in each digit");
  let asked = false;

  function look() { // at most once a frame, while the pen moves
    asked = false;
    paint(canvas, drawing);
    show(net.confidences(drawing), "The network on your drawing");
  }
  /**
   * @param {number[]} confidences
   * @param {string} title
   */
  function show(confidences, title) {
    subject.textContent = title;
    bars.show(confidences);
  }
  function changed() {
    forget();
    if (!asked) { asked = true; requestAnimationFrame(look); }
  }
  function finished() { // a stroke is complete: tell Python and the reader
    const confidences = net.confidences(drawing), answer = indexOfLargest(confidences);
    status.say(`The network sees a ${answer}, with ${percent(confidences[answer])} confidence.`);
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
  function start(pixels) {
    drawing = Float64Array.from(pixels);
    forget();
    look();
    finished();
  }
  const wipe = () => start(new Float64Array(784));

  // ---- fool it ----
  const after = picture("The changed image"), change = picture("The change, amplified");
  const afterText = element("p"), changeText = element("p");
  const flicker = button("Flicker", () => (blinking ? stopBlinking() : startBlinking()));
  const results = element("div", { class: "fk-results", hidden: "" },
    element("div", {}, after, afterText, flicker), element("div", {}, change, changeText));

  function forget() {
    run++;
    fooled = null;
    stopBlinking();
    results.hidden = true;
  }

  async function foolIt() {
    forget();
    const mine = run, epsilon = model.get("epsilon"), target = model.get("target") ?? null;
    const before = indexOfLargest(net.confidences(drawing));
    if (target === before) {
      status.say(`The network already sees a ${target}: choose another digit.`);
      return;
    }
    results.hidden = false;
    await inSlices(fool(net, drawing, { epsilon, target }), (latest, ended) => {
      if (mine !== run) return false;
      if (latest) fooled = latest;
      if (!fooled) return true;
      const largest = drawFooled(fooled);
      if (ended) conclude(fooled, epsilon, target, largest);
      return true;
    });
  }

  /** @param {Fooling} found */
  function drawFooled(found) { // returns the largest change of a pixel
    const difference = found.image.map((value, i) => value - drawing[i]);
    const largest = Math.max(...difference.map(Math.abs));
    const factor = largest > 0 ? 1 / largest : 1;
    paint(after, found.image);
    paint(change, difference.map((d) => 0.5 + 0.5 * factor * d));
    const sure = percent(found.confidences[found.answer]);
    afterText.textContent = `changed: “${found.answer}”, ${sure}`;
    changeText.textContent = `the change, ${factor < 10 ? factor.toFixed(1) : factor.toFixed(0)} times `
      + "as strong: white added, black taken away, grey untouched";
    after.setAttribute("aria-label", `The changed image; the network says ${found.answer}, ${sure}`);
    change.setAttribute("aria-label", `The change, amplified; the largest is ${largest.toFixed(3)}`);
    show(found.confidences, "The network on the changed image");
    return largest;
  }

  /**
   * @param {Fooling} found
   * @param {number} epsilon
   * @param {number | null} target
   * @param {number} largest
   */
  function conclude(found, epsilon, target, largest) {
    status.say(found.done
      ? `Fooled in ${found.steps} ${found.steps === 1 ? "step" : "steps"}: the ${found.first} is `
        + `now called a ${found.answer}, with ${percent(found.confidences[found.answer])} `
        + `confidence. No pixel changed by more than ${largest.toFixed(2)}.`
      : `Still ${target === null ? `a ${found.answer}` : `no ${target}`} after ${found.steps} steps. `
        + `A change of ${epsilon.toFixed(2)} a pixel is not enough: allow more.`);
    tell(found, found.image);
  }

  // ---- the two pictures in turn ----
  function startBlinking() {
    let second = false;
    const turn = () => {
      second = !second;
      if (!fooled) return;
      paint(after, second ? drawing : fooled.image);
      afterText.textContent = second ? "before" : `changed: “${fooled.answer}”`;
    };
    flicker.setAttribute("aria-pressed", "true");
    blinking = lessMotion() ? -1 : setInterval(turn, BLINK);
    turn();
  }
  function stopBlinking() {
    if (blinking > 0) clearInterval(blinking);
    blinking = 0;
    flicker.setAttribute("aria-pressed", "false");
    flicker.textContent = lessMotion() ? "Show the image before" : "Flicker before and after";
    if (fooled) drawFooled(fooled);
  }

  // ---- controls ----
  const samples = element("div", { class: "fk-row", role: "group", "aria-label": "Start from a real digit" },
    element("span", {}, "or start from a real digit:"),
    ...CLASS_COLOURS.map((_, digit) => button(String(digit),
      () => start(fromBytes(model.get("samples"), digit)), { "aria-label": `a real ${digit}` })));
  const epsilon = slider("largest change of a pixel (ε)", {
    min: 0.01, max: 0.5, step: 0.01, value: model.get("epsilon"), format: (value) => value.toFixed(2),
  }, (value) => { model.set("epsilon", value); model.save_changes(); });
  const goals = [["", "anything else"], ...CLASS_COLOURS.map((_, digit) => [digit, `a ${digit}`])];
  const goal = menu(goals, (value) => {
    model.set("target", value === "" ? null : Number(value));
    model.save_changes();
  });
  const showGoal = () => { goal.value = String(model.get("target") ?? ""); };

  root.append(
    element("div", { class: "fk-columns" },
      element("div", {}, element("p", { class: "fk-title" }, "Draw a digit in the box"), pad,
        element("div", { class: "fk-row" }, button("Wipe", wipe))),
      element("div", {}, subject, bars.node)),
    samples,
    element("div", { class: "fk-row" }, epsilon.node, labelled("make it ", goal),
      button("Fool it", foolIt, { class: "fk-main" })),
    status.node, results);

  // ---- Python may change things too ----
  const hear = {
    "change:image": () => {
      const image = fromBytes(model.get("image"));
      if (image.some((value, i) => Math.abs(value - drawing[i]) > 1 / 255)) start(image);
    },
    "change:epsilon": () => epsilon.set(model.get("epsilon")),
    "change:target": showGoal,
  };
  const deafen = listen(model, hear);
  showGoal();
  moveCursor();
  stopBlinking();
  look();
  return () => {
    forget();
    deafen();
  };
}

export default widget("draw", "Draw a digit and fool the network", start, { networkOf });
