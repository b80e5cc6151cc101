// Layers of convolutional networks on maps of any size, forwards and backwards.
// @ts-check

import { columnsWithRoom, rowsWithRoom } from "./products.js";

/** @import { Right, Workspace } from "./products.js" */

// What a layer makes of an image: at every place, row by row, a number for each channel; and how
// the result at the end changes with each of them.
export class FeatureMap {
  /**
   * @param {Workspace} space
   * @param {number} size across
   * @param {number} channels
   */
  constructor(space, size, channels) {
    this.size = size;
    this.channels = channels;
    this.places = size * size;
    const count = rowsWithRoom(this.places) * channels;
    this.values = space.numbers(count);
    this.gradient = space.numbers(count);
  }
}

/**
 * @typedef {object} Sliding how windows of three by three lie on a map
 * @property {number} places across the result
 * @property {number} stride
 * @property {number} padding lines of zeros around the map
 */

// Every window as a row: its nine pixels, each with all its channels. Room at the end stays zero.
/**
 * @param {FeatureMap} map
 * @param {Sliding} sliding
 * @param {Float32Array} rows written
 * @param {number} length of a row
 */
export function windows({ values, size, channels }, { places, stride, padding }, rows, length) {
  for (let place = 0; place < places * places; place++) {
    const top = stride * Math.floor(place / places) - padding, left = stride * (place % places) - padding;
    let to = place * length;
    for (let y = top; y < top + 3; y++) {
      for (let x = left; x < left + 3; x++, to += channels) {
        const inside = y >= 0 && y < size && x >= 0 && x < size, from = (y * size + x) * channels;
        for (let c = 0; c < channels; c++) rows[to + c] = inside ? values[from + c] : 0;
      }
    }
  }
}

// Backwards: a pixel stood in several windows, and its gradient is the sum of what they say. It is
// added to what is there.
/**
 * @param {FeatureMap} map
 * @param {Sliding} sliding
 * @param {Float32Array} rows gradients
 * @param {number} length of a row
 */
export function windowsBackward({ gradient, size, channels }, { places, stride, padding }, rows, length) {
  for (let place = 0; place < places * places; place++) {
    const top = stride * Math.floor(place / places) - padding, left = stride * (place % places) - padding;
    let from = place * length;
    for (let y = top; y < top + 3; y++) {
      for (let x = left; x < left + 3; x++, from += channels) {
        if (y < 0 || y >= size || x < 0 || x >= size) continue;
        const to = (y * size + x) * channels;
        for (let c = 0; c < channels; c++) gradient[to + c] += rows[from + c];
      }
    }
  }
}

// A matrix as products.js takes it.
/**
 * @param {Workspace} space
 * @param {number} length
 * @param {number} columns
 * @param {(row: number, column: number) => number} weight
 * @param {ArrayLike<number>} [biases] else zeros
 * @returns {Right}
 */
function packed(space, length, columns, weight, biases = []) {
  const right = {
    length: columnsWithRoom(length), columns: columnsWithRoom(columns),
    weights: space.numbers(columnsWithRoom(length) * columnsWithRoom(columns)),
    biases: space.numbers(columnsWithRoom(columns)),
  };
  right.biases.set(biases);
  for (let column = 0; column < columns; column++) {
    const start = (column - column % 8) * right.length + column % 8;
    for (let row = 0; row < length; row++) right.weights[start + 8 * row] = weight(row, column);
  }
  return right;
}

// A convolution with windows of one pixel or of three by three, a product of matrices; and a
// rectifier: negative results become zero.
export class Convolution {
  /**
   * @param {Workspace} space
   * @param {FeatureMap} from
   * @param {FeatureMap} to
   * @param {{ weights: Float64Array, biases: Float64Array, rows: Float32Array,
   *   stride?: number, padding?: number, channel?: number }} options
   *   `weights` are PyTorch's, [out][in][y][x]; `rows` has room for all windows, and may be shared;
   *   `channel` of `to` is the first that is written
   */
  constructor(space, from, to, { weights, biases, rows, stride = 1, padding = 0, channel = 0 }) {
    this.from = from;
    this.to = to;
    this.multiply = space.multiply;
    this.rows = rows;
    this.channel = channel;
    this.sliding = { places: to.size, stride, padding };
    const area = weights.length / biases.length / from.channels; // of a window: 1 or 9
    this.single = area === 1;
    const weight = (/** @type {number} */ row, /** @type {number} */ column) => {
      const channel = row % from.channels, pixel = (row - channel) / from.channels;
      return weights[(column * from.channels + channel) * area + pixel];
    };
    const length = area * from.channels, columns = biases.length;
    this.forwards = packed(space, length, columns, weight, biases);
    this.backwards = packed(space, columns, length, (row, column) => weight(column, row));
  }

  // From the values of `from` to those of `to`.
  forward() {
    const { from, to, forwards, rows } = this;
    const out = { numbers: to.values.subarray(this.channel), step: to.channels };
    if (this.single) {
      this.multiply({ numbers: from.values, step: from.channels }, to.places, forwards, out, 0);
    } else {
      windows(from, this.sliding, rows, forwards.length);
      this.multiply({ numbers: rows, step: forwards.length }, to.places, forwards, out, 0);
    }
  }

  // From the gradient of `to`, rectified backwards, to that of `from`: written, where windows are single pixels; added
  // to what is there, where they overlap.
  backward() {
    const { from, to, backwards, rows } = this;
    const above = { numbers: to.gradient.subarray(this.channel), step: to.channels };
    if (this.single) {
      this.multiply(above, to.places, backwards, { numbers: from.gradient, step: from.channels });
    } else {
      this.multiply(above, to.places, backwards, { numbers: rows, step: backwards.columns });
      windowsBackward(from, this.sliding, rows, backwards.columns);
    }
  }
}

// The rectifier backwards: what became zero hands nothing on.
/** @param {FeatureMap} map */
export function rectifyBackward({ values, gradient }) {
  for (let i = 0; i < values.length; i++) if (values[i] === 0) gradient[i] = 0;
}

// The size of a map after a pool of three by three with stride 2. The last window may reach beyond
// the edge, as in Caffe.
export const pooledSize = (/** @type {number} */ size) => Math.ceil((size - 3) / 2) + 1;

// The largest of every window, channel by channel, and where it stood.
export class MaxPool {
  /**
   * @param {FeatureMap} from
   * @param {FeatureMap} to of pooledSize
   */
  constructor(from, to) {
    this.from = from;
    this.to = to;
    this.winners = new Int32Array(to.places * to.channels);
  }

  forward() {
    const { from: { values, size, channels }, to: { size: places, values: largest }, winners } = this;
    largest.fill(-Infinity, 0, winners.length);
    for (let place = 0, start = 0; place < places * places; place++, start += channels) {
      const top = 2 * Math.floor(place / places), left = 2 * (place % places);
      const bottom = Math.min(top + 3, size), right = Math.min(left + 3, size);
      for (let y = top; y < bottom; y++) {
        for (let x = left; x < right; x++) {
          const pixel = (y * size + x) * channels;
          for (let c = 0; c < channels; c++) {
            const value = values[pixel + c];
            if (value > largest[start + c]) { // of equals, the first
              largest[start + c] = value;
              winners[start + c] = pixel + c;
            }
          }
        }
      }
    }
  }

  backward() {
    const { from, to, winners } = this;
    from.gradient.fill(0);
    for (let at = 0; at < winners.length; at++) from.gradient[winners[at]] += to.gradient[at];
  }
}
