// Projected gradient steps: along the sign of a slope, and never out of the box around an image.
// @ts-check

/** @typedef {Float64Array | Float32Array} Slope */

// A step's box: no pixel leaves [0, 1] or is further than epsilon from where it was.
/**
 * @param {Float64Array} original
 * @param {number} epsilon
 * @returns {(change: Float64Array) => Float64Array}
 */
function boxed(original, epsilon) {
  const low = original.map((x) => Math.max(-epsilon, -x));
  const high = original.map((x) => Math.min(epsilon, 1 - x));
  return (change) => change.map((d, i) => Math.min(high[i], Math.max(low[i], d)));
}

// No pixel has a slope.
/** @param {Slope} slope */
export const isFlat = (slope) => !slope.some((g) => g !== 0);

// The steps (Kurakin et al. 2016, Madry et al. 2018) from the change `start`: each moves every pixel
// by `length` in the direction of the sign of slopeOf(image). A generator: yields after each step,
// without end; `stuck`: the slope was exactly zero, the image stays where it is.
/**
 * @param {Float64Array} original
 * @param {Float64Array} start
 * @param {{ epsilon: number, length: number, slopeOf: (image: Float64Array) => Slope }} settings
 * @returns {Generator<{ image: Float64Array, stuck: boolean }, never>}
 */
export function* projectedSteps(original, start, { epsilon, length, slopeOf }) {
  const box = boxed(original, epsilon);
  const added = (/** @type {Float64Array} */ change) => original.map((x, i) => x + change[i]);
  let change = box(start), image = added(change);
  for (;;) {
    const slope = slopeOf(image), stuck = isFlat(slope);
    if (!stuck) {
      change = box(change.map((d, i) => d + length * Math.sign(slope[i])));
      image = added(change);
    }
    yield { image, stuck };
  }
}
