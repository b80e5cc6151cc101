// The curve of a search: confidence against the generation.
// @ts-check

import { markLevels, pointsOf } from "./axes.js";
import { CERTAIN } from "./confidence.js";
import { median } from "./numbers.js";
import { shape } from "./page.js";

const FINEST = 1e-7; // what is missing to certainty at the curve's upper edge

// The curve: confidence against the generation, on an axis on which every line is ten times
// closer to certainty than the line below it.
/** @param {number} width */
export function convergenceCurve(width) {
  const [left, right, top, bottom] = [64, width - 6, 8, 150];
  const height = (/** @type {number} */ confidence) => {
    const missing = Math.max(1 - confidence, FINEST);
    return bottom - (bottom - top) * Math.log10(missing) / Math.log10(FINEST);
  };
  const svg = shape("svg", {
    viewBox: `0 0 ${width} 190`, role: "img", class: "fk-curve",
    "aria-label": "Confidence against generation",
  });
  /** @type {[number, string][]} */
  const levels = [[0, "0 %"], [0.9, "90 %"], [0.99, "99 %"], [0.999, "99.9 %"],
    [CERTAIN, "99.99 %"], [1 - 1e-5, "99.999 %"], [1 - 1e-6, "99.9999 %"]];
  markLevels(svg, levels.map(([level, label]) => ({ level, label, goal: level === CERTAIN })), { left, right, height });
  const lines = {
    lowest: shape("polyline", { class: "fk-lowest" }),
    median: shape("polyline", { class: "fk-median" }),
  };
  const end = shape("text", { x: right, y: bottom + 15, "text-anchor": "end" });
  svg.append(lines.lowest, lines.median, end,
    shape("text", { x: left, y: bottom + 15 }, "0"),
    shape("text", { x: (left + right) / 2, y: bottom + 15, "text-anchor": "middle" }, "generation"),
    shape("line", { x1: left, x2: left + 22, y1: bottom + 31, y2: bottom + 31, class: "fk-median" }),
    shape("text", { x: left + 27, y: bottom + 35 }, "their median"),
    shape("line", { x1: left + 98, x2: left + 120, y1: bottom + 31, y2: bottom + 31, class: "fk-lowest" }),
    shape("text", { x: left + 125, y: bottom + 35 }, "lowest of the ten"));
  return {
    node: svg,
    /** @param {number[][]} history */
    show(history) {
      const last = Math.max(50, history.length - 1);
      const points = (/** @type {(row: number[]) => number} */ summary) => pointsOf(history.map((row, generation) =>
        [left + (right - left) * generation / last, height(summary(row))]));
      lines.median.setAttribute("points", points(median));
      lines.lowest.setAttribute("points", points((row) => Math.min(...row)));
      end.textContent = String(last);
    },
    describe(/** @type {string} */ text) { svg.setAttribute("aria-label", text); },
  };
}
