// The curve of a change: two confidences against how much of the change is added, with a cursor.
// @ts-check

import { markLevels, pointsOf } from "./axes.js";
import { CLASS_COLOURS } from "./confidence.js";
import { element, newId, shape } from "./page.js";

const STEPS = 100; // of the slider below the curve

// `move` is called with the share of the change, from 0 to 1, that the reader chooses.
/**
 * @param {number} width in pixels
 * @param {(share: number) => void} move
 */
export function changeCurve(width, move) {
  const [left, right, top, bottom] = [42, width - 26, 10, 118];
  const across = (/** @type {number} */ share) => left + (right - left) * share;
  const height = (/** @type {number} */ confidence) => bottom - (bottom - top) * confidence;
  const svg = shape("svg", { viewBox: `0 0 ${width} 152`, role: "img", class: "fk-curve fk-change-curve" });
  markLevels(svg, [0, 0.5, 1].map((level) => ({ level, label: `${100 * level} %` })), { left, right, height });
  const end = shape("text", { x: right, y: bottom + 15, "text-anchor": "end" });
  const line = () => {
    const name = shape("text", { x: right + 5, class: "fk-goal" });
    return { path: shape("polyline", { class: "fk-of-class" }), name };
  };
  const before = line(), after = line();
  before.path.setAttribute("stroke-dasharray", "6 3");
  const cursor = shape("line", { y1: top, y2: bottom, class: "fk-here" });
  svg.append(shape("text", { x: left, y: bottom + 15 }, "0"), end,
    shape("text", { x: (left + right) / 2, y: bottom + 30, "text-anchor": "middle" },
      "largest change of a pixel (black 0, white 1)"),
    before.path, after.path, before.name, after.name, cursor);

  const id = newId();
  const scrub = element("input", { type: "range", id, min: 0, max: STEPS, step: 1, disabled: "" });
  scrub.style.width = `${100 * (right - left + 16) / width}%`; // its knob below the cursor
  scrub.style.marginLeft = `${100 * (left - 8) / width}%`;
  scrub.addEventListener("input", () => { place(); move(Number(scrub.value) / STEPS); });
  function place() {
    const x = across(Number(scrub.value) / STEPS);
    cursor.setAttribute("x1", String(x));
    cursor.setAttribute("x2", String(x));
    scrub.setAttribute("aria-valuetext", `${scrub.value} % of the change`);
  }
  const node = element("div", { class: "fk-scrub" },
    element("label", { for: id }, "Confidence against change: slide from before to after"), svg, scrub);

  /** @param {string} text */
  const describe = (text) => svg.setAttribute("aria-label", text);
  function clear() {
    for (const { path, name } of [before, after]) {
      path.setAttribute("points", "");
      name.textContent = "";
    }
    end.textContent = "";
    scrub.disabled = true;
    scrub.value = String(STEPS);
    describe("Confidence against change: nothing was changed yet");
    place();
  }
  clear();
  return {
    node,
    clear,
    // `confidences`: ten of each of some equally spaced images, from the first to the last.
    /** @param {{ confidences: number[][], first: number, answer: number, largest: number }} path */
    show({ confidences, first, answer, largest }) {
      const last = confidences.length - 1;
      for (const [digit, { path, name }] of /** @type {const} */ ([[first, before], [answer, after]])) {
        path.setAttribute("points", pointsOf(confidences.map((row, n) => [across(n / last), height(row[digit])])));
        path.style.stroke = CLASS_COLOURS[digit];
        name.textContent = `“${digit}”`;
        name.setAttribute("y", String(height(confidences[last][digit]) + 4));
      }
      end.textContent = largest.toFixed(2);
      scrub.disabled = false;
      const crossing = confidences.findIndex((row) => row[answer] > row[first]);
      describe(`Confidence against change: “${first}” falls and “${answer}” rises; they cross at `
        + `${Math.round(100 * crossing / last)} % of the change.`);
    },
  };
}
