// Targeted projected gradient descent on the levels of a photograph: foolkit/gradients/sign.py's
// `pgd` with steps of one level, so that every image on the way is a file of 8 bits.
// @ts-check

import { softmax } from "./numbers.js";
import { logProbabilityOf } from "./squeezenet.js";

/** @import { squeezeNet } from "./squeezenet.js" */
/** @typedef {ReturnType<typeof squeezeNet>} Network */
/** @typedef {{ step: number, levels: Uint8ClampedArray, confidences: Float32Array }} Stage */

const ENOUGH = 0.99; // of confidence: there is nothing left to climb

/**
 * @param {Network} net
 * @param {Uint8ClampedArray} levels row by row, red, green and blue of each pixel, 0 to 255
 * @param {number} size
 */
export function look(net, levels, size) {
  return Float32Array.from(softmax(Float64Array.from(net.logits(scaled(levels), size))));
}

/** @param {Uint8ClampedArray} levels */
const scaled = (levels) => Float32Array.from(levels, (level) => level / 255);

// Step by step: the image before the step and what the network says of it, until it is called
// `target` with 99 %, or after the last step.
/**
 * @param {Network} net
 * @param {Uint8ClampedArray} original
 * @param {{ size: number, target: number, epsilon: number, steps: number }} options `epsilon`: the
 *   largest change of a colour, in levels
 * @returns {Generator<Stage, void>}
 */
export function* towards(net, original, { size, target, epsilon, steps }) {
  const levels = original.slice();
  for (let step = 0; ; step++) {
    if (step === steps) {
      yield { step, levels: levels.slice(), confidences: look(net, levels, size) };
      return;
    }
    const { logits, gradient } = net.gradient(scaled(levels), size, logProbabilityOf(target));
    const confidences = Float32Array.from(softmax(Float64Array.from(logits)));
    yield { step, levels: levels.slice(), confidences };
    if (confidences[target] >= ENOUGH) return;
    for (let i = 0; i < levels.length; i++) { // a clamped array stays within 0 to 255 by itself
      const moved = levels[i] + Math.sign(gradient[i]);
      levels[i] = Math.min(original[i] + epsilon, Math.max(original[i] - epsilon, moved));
    }
  }
}
