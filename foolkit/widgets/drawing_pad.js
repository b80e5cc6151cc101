// A pad of 28 by 28 pixels to draw on, with a mouse, a finger or the keyboard.
// @ts-check

import { arrowStep } from "./keys.js";
import { element } from "./page.js";
import { paint } from "./pictures.js";

const PEN = 1.7; // the pen's reach in pixels: about the width of a stroke in MNIST

// `pixels()` gives the drawing, which strokes change in place. `changed` is called with every bit
// of a stroke, `finished` at its end, `wipe` when the keyboard asks for it, `say` with news.
/**
 * @param {{ pixels: () => Float64Array, changed: () => void, finished: () => void,
 *   wipe: () => void, say: (text: string) => void }} what
 */
export function drawingPad({ pixels, changed, finished, wipe, say }) {
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
    const drawing = pixels();
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
      if (pen.down) say("Pen down.");
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
  moveCursor();
  return { node: pad, paint: () => paint(canvas, pixels()) };
}
