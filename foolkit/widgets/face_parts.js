// A face put together from pictures of its parts, each moved by whole pixels.
// @ts-check

/** @import { Random } from "./random.js" */
/** @typedef {[number, number]} Move pixels to the right and down */

export const WIDE = 32; // pixels across a picture of a face
export const PARTS = ["left brow", "right brow", "left eye", "right eye", "nose", "mouth"];
const SORTS = [0, 0, 1, 1, 2, 3]; // brow, eye, nose, mouth

// layers: seven pictures of 1024 numbers, the six parts and the outline; moves: for each part how
// many pixels to the right and down, or null where it is left out. The brightest layer is seen.
/**
 * @param {Float64Array[]} layers
 * @param {(Move | null)[]} moves
 */
export function assembled(layers, moves, out = new Float64Array(WIDE * WIDE)) {
  out.set(layers[PARTS.length]);
  moves.forEach((move, part) => {
    if (!move) return;
    const [dx, dy] = move;
    for (let y = Math.max(0, dy); y < Math.min(WIDE, WIDE + dy); y++) {
      for (let x = Math.max(0, dx); x < Math.min(WIDE, WIDE + dx); x++) {
        const value = layers[part][WIDE * (y - dy) + x - dx];
        if (value > out[WIDE * y + x]) out[WIDE * y + x] = value;
      }
    }
  });
  return out;
}

// The move that comes closest to [dx, dy] and keeps the middle of the part in the picture.
/**
 * @param {Move} home
 * @param {Move} move
 * @returns {Move}
 */
export function within([x, y], [dx, dy]) {
  const edge = (WIDE - 1) / 2;
  const inside = (/** @type {number} */ home, /** @type {number} */ by) =>
    Math.min(Math.floor(edge - home), Math.max(Math.ceil(-edge - home), Math.round(by))) + 0;
  return [inside(x, dx), inside(y, dy)];
}

// Every part in some part's place, with at least four places that have another sort of part. All
// such orders are equally likely. homes: where the parts were, from the middle of the picture.
/**
 * @param {Move[]} homes
 * @param {Random} random
 * @returns {Move[]}
 */
export function scrambledMoves(homes, random) {
  /** @type {number[]} */
  let order;
  do {
    order = homes.map((_, part) => part);
    for (let last = order.length - 1; last > 0; last--) {
      const other = Math.floor(random.next() * (last + 1));
      [order[last], order[other]] = [order[other], order[last]];
    }
  } while (order.filter((place, part) => SORTS[place] !== SORTS[part]).length < 4);
  return homes.map(([x, y], part) =>
    within([x, y], [homes[order[part]][0] - x, homes[order[part]][1] - y]));
}
