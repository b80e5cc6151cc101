// A thing in front of a wallpaper, and a search by picture: foolkit.analysis.search in the page.
// @ts-check

import { planes } from "./convolutions.js";
import { norm } from "./numbers.js";
import { smoothed } from "./resizing.js";

/** @import { Planes } from "./convolutions.js" */

// The disc that just fits into a picture, made smaller, in front of a wallpaper whose pattern is
// repeated: 8-bit levels, row by row, red, green and blue of each pixel.
/**
 * @param {Planes} object square
 * @param {number} share of the disc's diameter, of the picture's side
 * @param {Planes} pattern square, of a side that divides the object's
 */
export function inFront(object, share, pattern) {
  const whole = object.width, side = Math.max(2, Math.round(share * whole)), first = Math.floor((whole - side) / 2);
  const disc = smoothed(object, side), levels = new Uint8Array(3 * whole * whole);
  const at = (/** @type {Planes} */ of, /** @type {number} */ c, /** @type {number} */ x, /** @type {number} */ y) =>
    of.values[(c * of.height + y) * of.width + x];
  for (let y = 0; y < whole; y++) {
    for (let x = 0; x < whole; x++) {
      const [right, down] = [x - first, y - first], inside = Math.min(right, down) >= 0 && Math.max(right, down) < side;
      const distance = Math.hypot(right - (side - 1) / 2, down - (side - 1) / 2);
      const opaque = inside ? Math.min(1, Math.max(0, side / 2 - distance)) : 0; // the edge is one pixel soft
      for (let c = 0; c < 3; c++) {
        const behind = at(pattern, c, x % pattern.width, y % pattern.height);
        const before = inside ? Math.min(1, Math.max(0, at(disc, c, right, down))) : 0;
        levels[3 * (y * whole + x) + c] = Math.round(255 * (before * opaque + behind * (1 - opaque)));
      }
    }
  }
  return levels;
}

// The cosine between the features of a query and those of each picture, both less the mean of all
// pictures. known: row by row, of length 1 each.
/**
 * @param {Float64Array} features
 * @param {Float64Array} middle
 * @param {Float64Array} known
 */
export function cosines(features, middle, known) {
  const apart = features.map((value, i) => value - middle[i]), length = norm(apart), wide = apart.length;
  return Array.from({ length: known.length / wide }, (_, n) =>
    apart.reduce((sum, value, i) => sum + value * known[n * wide + i], 0) / length);
}

// The n-th of several square pictures of 255 levels, plane by plane, one after another.
/**
 * @param {Float64Array} levels of all
 * @param {number} n
 * @param {number} side
 */
export function nth(levels, n, side) {
  const one = planes(3, side, side), length = one.values.length;
  for (let i = 0; i < length; i++) one.values[i] = levels[n * length + i] / 255;
  return one;
}
