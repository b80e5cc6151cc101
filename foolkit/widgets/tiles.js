// An image cut into tiles, and the tiles in another order: as foolkit.analysis.cut and paste.
// @ts-check

/** @import { Random } from "./random.js" */

// Place by place, row by row, the tile that lies there: order[place] is where it was cut from.
// image: 784 numbers; grid: tiles across and down, a divisor of 28.
/**
 * @param {Float64Array} image
 * @param {number} grid
 * @param {number[]} order
 */
export function rearranged(image, grid, order, out = new Float64Array(784)) {
  const side = 28 / grid;
  order.forEach((tile, place) => {
    const corner = (/** @type {number} */ number) => 28 * side * Math.floor(number / grid) + side * (number % grid);
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) out[corner(place) + 28 * y + x] = image[corner(tile) + 28 * y + x];
    }
  });
  return out;
}

/** @param {number} count */
export const inOrder = (count) => Array.from({ length: count }, (_, tile) => tile);

/**
 * @param {number[]} order
 * @param {number} a
 * @param {number} b
 */
export function swapped(order, a, b) {
  const next = [...order];
  [next[a], next[b]] = [order[b], order[a]];
  return next;
}

// Every order is equally likely, but never the old one.
/**
 * @param {number} count
 * @param {Random} random
 */
export function shuffled(count, random) {
  for (;;) {
    const order = inOrder(count);
    for (let last = count - 1; last > 0; last--) {
      const other = Math.floor(random.next() * (last + 1));
      [order[last], order[other]] = [order[other], order[last]];
    }
    if (order.some((tile, place) => tile !== place)) return order;
  }
}
