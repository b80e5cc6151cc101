// A plane through image space: every point of it is an image, and the network judges each.
// @ts-check

import { indexOfLargest, norm } from "./numbers.js";

/** @import { Judge } from "./evolution.js" */
/** @import { Random } from "./random.js" */
/** @typedef {{ centre: Float64Array, u: Float64Array, v: Float64Array, clip: boolean }} Plane */
/** @typedef {{ answer: number, confidence: number }} Cell what the network says there */

// Two directions as perpendicular ones of length 1: the first keeps its direction, of the second
// the part along the first is taken away. As foolkit.analysis.plane does.
/**
 * @param {Float64Array} first
 * @param {Float64Array} second
 */
export function perpendicular(first, second) {
  const length = norm(first), u = first.map((x) => x / length);
  const shared = second.reduce((sum, x, i) => sum + x * u[i], 0);
  const rest = second.map((x, i) => x - shared * u[i]), left = norm(rest);
  if (!(length > 0) || left < 1e-4 * norm(second)) return null; // they are parallel
  return [u, rest.map((x) => x / left)];
}

// 784 random numbers with a Gaussian distribution (Box and Muller 1958).
/** @param {Random} random */
export function gaussians(random) {
  return Float64Array.from({ length: 784 }, () =>
    Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next()));
}

// The image at the point (x, y), in units of length in image space. Without clipping, pixels may
// be blacker than black; the network answers there too.
/**
 * @param {Plane} plane
 * @param {number} x
 * @param {number} y
 * @param {Float64Array} out written
 */
export function imageAt({ centre, u, v, clip }, x, y, out) {
  for (let i = 0; i < 784; i++) {
    const value = centre[i] + x * u[i] + y * v[i];
    out[i] = clip ? Math.min(1, Math.max(0, value)) : value;
  }
  return out;
}

// A square piece of the plane, cut into size x size cells. What was judged is kept while the piece
// moves: cells are counted from the middle of the plane, and a piece begins at a whole cell.
export class PlaneMap {
  /**
   * @param {Judge} net
   * @param {Plane} plane
   * @param {number} size
   */
  constructor(net, plane, size) {
    this.net = net;
    this.plane = plane;
    this.size = size;
    this.image = new Float64Array(784);
    this.cell = this.left = this.bottom = 0; // until look()
    /** @type {Map<number, Cell>} */
    this.known = new Map();
  }

  // Show the square around (x, y) that reaches `reach` to every side.
  /**
   * @param {number} x
   * @param {number} y
   * @param {number} reach
   */
  look(x, y, reach) {
    const cell = 2 * reach / this.size;
    if (cell !== this.cell) this.known.clear();
    this.cell = cell;
    this.left = Math.round(x / cell - this.size / 2);
    this.bottom = Math.round(y / cell - this.size / 2);
  }

  // {answer, confidence} of a cell, by its column and row in the piece; undefined: not judged yet.
  /**
   * @param {number} column
   * @param {number} row
   */
  at(column, row) {
    return this.known.get((this.left + column) * 1e6 + this.bottom + row);
  }

  /**
   * @param {number} column
   * @param {number} row
   */
  judge(column, row) {
    const i = this.left + column, j = this.bottom + row, key = i * 1e6 + j;
    if (this.known.has(key)) return false;
    const image = imageAt(this.plane, (i + 0.5) * this.cell, (j + 0.5) * this.cell, this.image);
    const confidences = this.net.confidences(image), answer = indexOfLargest(confidences);
    this.known.set(key, { answer, confidence: confidences[answer] });
    return true;
  }

  // Judges the piece from coarse to fine: every eighth cell, every fourth, ... A generator; yields
  // the distance between judged cells, after each image that the network has judged.
  * fill() {
    if (this.known.size > 20 * this.size ** 2) this.known.clear();
    for (let step = 8; step >= 1; step /= 2) {
      for (let row = 0; row < this.size; row += step) {
        for (let column = 0; column < this.size; column += step) {
          if (this.judge(column, row)) yield step;
        }
      }
    }
    yield 0; // all is known
  }

  // The nearest judged cell at or before this one.
  /**
   * @param {number} column
   * @param {number} row
   */
  nearest(column, row) {
    for (let step = 1; step <= 8; step *= 2) {
      const found = this.at(column - column % step, row - row % step);
      if (found) return found;
    }
    return undefined;
  }

  // Regions of one answer, large ones first: [{answer, cells, column, row}], with the cell that lies
  // deepest inside: where a label has most room. Depth is counted in cells, from the border.
  regions() {
    const { size } = this, total = size * size;
    const answers = Int8Array.from({ length: total }, (_, n) =>
      this.nearest(n % size, Math.floor(n / size))?.answer ?? -1);
    const neighbours = (/** @type {number} */ n) => [
      n % size ? n - 1 : -1, n % size < size - 1 ? n + 1 : -1, n - size, n + size,
    ];
    const same = (/** @type {number} */ n, /** @type {number} */ m) => m >= 0 && m < total && answers[m] === answers[n];
    const depth = new Int32Array(total);
    /** @type {number[]} */
    const edge = [];
    for (let n = 0; n < total; n++) {
      if (!neighbours(n).every((m) => same(n, m))) { depth[n] = 1; edge.push(n); }
    }
    for (let k = 0; k < edge.length; k++) { // inwards from all borders at once
      for (const m of neighbours(edge[k])) {
        if (same(edge[k], m) && !depth[m]) { depth[m] = depth[edge[k]] + 1; edge.push(m); }
      }
    }
    const seen = new Uint8Array(total), found = [];
    for (let n = 0; n < total; n++) {
      if (seen[n] || answers[n] < 0) continue;
      const members = [n];
      let deepest = n;
      seen[n] = 1;
      for (let k = 0; k < members.length; k++) {
        if (depth[members[k]] > depth[deepest]) deepest = members[k];
        for (const m of neighbours(members[k])) {
          if (same(n, m) && !seen[m]) { seen[m] = 1; members.push(m); }
        }
      }
      found.push({
        answer: answers[n], cells: members.length, depth: depth[deepest],
        column: deepest % size, row: Math.floor(deepest / size),
      });
    }
    return found.sort((a, b) => b.cells - a.cells);
  }
}
