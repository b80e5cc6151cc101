// What the curves of confidence have in common: lines at some levels, and what stands below.
// @ts-check

import { shape } from "./page.js";

/** @typedef {{ level: number, label: string, goal?: boolean }} Level of confidence; `goal`: it stands out */

// Marks levels on the left of a curve. `height` is where a confidence lies.
/**
 * @param {SVGSVGElement} svg
 * @param {Level[]} levels
 * @param {{ left: number, right: number, height: (confidence: number) => number }} frame
 */
export function markLevels(svg, levels, { left, right, height }) {
  for (const { level, label, goal = false } of levels) {
    const y = height(level);
    svg.append(
      shape("line", { x1: left, x2: right, y1: y, y2: y, class: goal ? "fk-goal" : "fk-grid" }),
      shape("text", { x: left - 5, y: y + 3.5, "text-anchor": "end", class: goal ? "fk-goal" : "" }, label));
  }
}

// The points of a line, for its `points`.
/** @param {[x: number, y: number][]} points */
export const pointsOf = (points) => points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
