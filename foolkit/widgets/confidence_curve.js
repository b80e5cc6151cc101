// A curve of confidence against the images that were judged, from 0 to 100 %.
// @ts-check

import { markLevels, pointsOf } from "./axes.js";
import { shape } from "./page.js";

const FIRST = 200; // images that the axis has room for at the start

// `show` gets [images, confidence] pairs, and others that are marked by rings.
/** @param {number} width */
export function confidenceCurve(width) {
  const [left, right, top, bottom] = [48, width - 8, 8, 140];
  const svg = shape("svg", { viewBox: `0 0 ${width} 180`, role: "img", class: "fk-curve" });
  const height = (/** @type {number} */ confidence) => bottom - (bottom - top) * confidence;
  markLevels(svg, [0, 0.25, 0.5, 0.75, 1].map((level) => ({ level, label: `${100 * level} %` })),
    { left, right, height });
  const line = shape("polyline", { class: "fk-median" }), rings = shape("g", {});
  const end = shape("text", { x: right, y: bottom + 15, "text-anchor": "end" });
  svg.append(line, rings, end, shape("text", { x: left, y: bottom + 15 }, "0"),
    shape("text", { x: (left + right) / 2, y: bottom + 15, "text-anchor": "middle" }, "images judged"));
  return {
    node: svg,
    /**
     * @param {[number, number][]} points
     * @param {[number, number][]} ringed
     * @param {string} words what it shows, for a screen reader
     */
    show(points, ringed, words) {
      const last = Math.max(FIRST, ...points.map(([images]) => images));
      /** @type {(point: [number, number]) => [number, number]} */
      const place = ([images, confidence]) => [left + (right - left) * images / last, height(confidence)];
      line.setAttribute("points", pointsOf(points.map(place)));
      rings.replaceChildren(...ringed.map(place).map(([cx, cy]) =>
        shape("circle", { cx, cy, r: 3.5, class: "fk-ring" })));
      end.textContent = String(last);
      svg.setAttribute("aria-label", words);
    },
  };
}
