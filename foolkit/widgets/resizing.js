// Pictures made smaller and larger: as PyTorch's interpolate, mode "area" and mode "bilinear".
// @ts-check

import { planes } from "./convolutions.js";

/** @import { Planes } from "./convolutions.js" */
/** @typedef {[place: number, share: number][]} Shares which old pixels a new one is made of */

// Each new pixel is the mean of all old ones that its place covers, in part too.
/**
 * @param {number} from
 * @param {number} to
 * @returns {Shares[]}
 */
const byArea = (from, to) => Array.from({ length: to }, (_, n) => {
  const first = Math.floor(n * from / to), end = Math.ceil((n + 1) * from / to);
  return Array.from({ length: end - first }, (_, i) => [first + i, 1 / (end - first)]);
});

// Each new pixel lies between two old ones, and takes of the nearer more.
/**
 * @param {number} from
 * @param {number} to
 * @returns {Shares[]}
 */
const byLine = (from, to) => Array.from({ length: to }, (_, n) => {
  const place = Math.max(0, (n + 0.5) * from / to - 0.5), low = Math.min(Math.floor(place), from - 1);
  return [[low, 1 - (place - low)], [Math.min(low + 1, from - 1), place - low]];
});

// Each new pixel is a mean of old ones about its place, the nearer the heavier, over as many as
// it is larger: "bilinear" with `antialias`.
/**
 * @param {number} from
 * @param {number} to
 * @returns {Shares[]}
 */
const byTriangle = (from, to) => Array.from({ length: to }, (_, n) => {
  const scale = Math.max(1, from / to), middle = (n + 0.5) * from / to;
  const first = Math.max(0, Math.trunc(middle - scale + 0.5)), end = Math.min(from, Math.trunc(middle + scale + 0.5));
  const weights = Array.from({ length: end - first }, (_, i) =>
    Math.max(0, 1 - Math.abs(first + i + 0.5 - middle) / scale));
  const sum = weights.reduce((a, b) => a + b);
  return weights.map((weight, i) => /** @type {[number, number]} */ ([first + i, weight / sum]));
});

// First along the rows, then along the columns.
/**
 * @param {Planes} from
 * @param {number} width
 * @param {number} height
 * @param {(from: number, to: number) => Shares[]} sharesOf
 */
function resampled(from, width, height, sharesOf) {
  const between = planes(from.channels, width, from.height), to = planes(from.channels, width, height);
  const along = sharesOf(from.width, width), down = sharesOf(from.height, height);
  for (let row = 0; row < from.channels * from.height; row++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (const [place, share] of along[x]) sum += share * from.values[row * from.width + place];
      between.values[row * width + x] = sum;
    }
  }
  for (let channel = 0; channel < from.channels; channel++) {
    for (let y = 0; y < height; y++) {
      const at = (channel * height + y) * width;
      for (const [place, share] of down[y]) {
        const row = (channel * from.height + place) * width;
        for (let x = 0; x < width; x++) to.values[at + x] += share * between.values[row + x];
      }
    }
  }
  return to;
}

/**
 * @param {Planes} from
 * @param {number} width
 * @param {number} height
 */
export const shrunk = (from, width, height) => resampled(from, width, height, byArea);

// A square of another side: the mean where it becomes smaller, between pixels where larger.
/**
 * @param {Planes} from
 * @param {number} side
 */
export const ofSide = (from, side) => resampled(from, side, side, side < from.width ? byArea : byLine);

/**
 * @param {Planes} from
 * @param {number} side
 */
export const smoothed = (from, side) => resampled(from, side, side, byTriangle);
