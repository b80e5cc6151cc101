// Fooling by gradient: change every pixel a little, in the direction that hurts the answer most.
// @ts-check

import { lossGradient } from "./loss_gradient.js";
import { indexOfLargest } from "./numbers.js";
import { projectedSteps } from "./projected_gradient.js";

/** @import { DigitNetwork } from "./network.js" */
/**
 * @typedef {object} Fooling
 * @property {Float64Array} image as it is now
 * @property {number[]} confidences
 * @property {number} answer
 * @property {number} first the answer to the original
 * @property {number} steps until now
 * @property {boolean} done the answer has changed, and is as certain as was asked
 */

// Projected gradient ascent on the loss of the answer. With a `target` it descends towards that
// class instead, until its confidence is at least `until`. `from` is the image to go on from. A
// generator: yields after each step, so that a page can draw what happens; ends when it is done, or
// after `steps`.
/**
 * @param {DigitNetwork} net
 * @param {ArrayLike<number>} original
 * @param {{ epsilon: number, target?: number | null, until?: number, from?: Float64Array | null,
 *   step?: number, steps?: number }} settings
 * @returns {Generator<Fooling, void>}
 */
export function* fool(net, original, {
  epsilon, target = null, until = 0, from = null, step = Math.max(epsilon / 10, 0.002), steps = 60,
}) {
  const pixels = Float64Array.from(original);
  const first = indexOfLargest(net.logits(pixels));
  const goal = target === first ? null : target;
  const slopeOf = (/** @type {Float64Array} */ image) => (goal === null
    ? lossGradient(net, image, first) : lossGradient(net, image, goal).map((g) => -g));
  const start = pixels.map((x, i) => (from ? from[i] - x : 0));
  let n = 0;
  for (const { image } of projectedSteps(pixels, start, { epsilon, length: step, slopeOf })) {
    n++;
    const confidences = net.confidences(image), answer = indexOfLargest(confidences);
    const done = (goal === null ? answer !== first : answer === goal) && confidences[answer] >= until;
    yield { image, confidences, answer, first, steps: n, done };
    if (done || n === steps) return;
  }
}
