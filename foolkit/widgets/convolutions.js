// Layers of small detectors, for pictures of any size: planes of channels, each row by row.
// @ts-check

/** @typedef {{ values: Float32Array, channels: number, width: number, height: number }} Planes */

/**
 * @param {number} channels
 * @param {number} width
 * @param {number} height
 * @returns {Planes}
 */
export const planes = (channels, width, height) => (
  { values: new Float32Array(channels * width * height), channels, width, height });

// Square filters at every place where they fit whole; those as wide as the planes are a layer that
// connects all. weights: by filter, by channel, row by row.
/**
 * @param {Planes} from
 * @param {ArrayLike<number>} weights
 * @param {ArrayLike<number>} biases
 */
export function convolved(from, weights, biases) {
  const kernel = Math.sqrt(weights.length / biases.length / from.channels);
  const to = planes(biases.length, from.width - kernel + 1, from.height - kernel + 1);
  const { width, height } = to, size = width * height;
  let weight = 0;
  for (let filter = 0; filter < to.channels; filter++) {
    const out = to.values.subarray(filter * size, (filter + 1) * size).fill(biases[filter]);
    for (let channel = 0; channel < from.channels; channel++) {
      for (let place = 0; place < kernel * kernel; place++) {
        const w = weights[weight++], down = Math.floor(place / kernel), right = place % kernel;
        for (let y = 0; y < height; y++) {
          const at = y * width, seen = (channel * from.height + y + down) * from.width + right;
          for (let x = 0; x < width; x++) out[at + x] += w * from.values[seen + x];
        }
      }
    }
  }
  return to;
}

// A rectifier that lets a share of what is below zero through, each channel its own (PReLU).
/**
 * @param {Planes} of changed in place
 * @param {ArrayLike<number>} shares
 */
export function leaked(of, shares) {
  const { values, width, height } = of;
  for (let i = 0; i < values.length; i++) {
    if (values[i] < 0) values[i] *= shares[Math.floor(i / (width * height))];
  }
  return of;
}

// The largest of each window of so many pixels, every second one; what is left over at the right
// and below counts too.
/**
 * @param {Planes} from
 * @param {number} window
 */
export function pooled(from, window) {
  const across = (/** @type {number} */ length) => Math.ceil((length - window) / 2) + 1;
  const to = planes(from.channels, across(from.width), across(from.height));
  let i = 0;
  for (let channel = 0; channel < to.channels; channel++) {
    for (let y = 0; y < to.height; y++) {
      for (let x = 0; x < to.width; x++) {
        let best = -Infinity;
        for (let row = 2 * y; row < Math.min(2 * y + window, from.height); row++) {
          for (let column = 2 * x; column < Math.min(2 * x + window, from.width); column++) {
            best = Math.max(best, from.values[(channel * from.height + row) * from.width + column]);
          }
        }
        to.values[i++] = best;
      }
    }
  }
  return to;
}
