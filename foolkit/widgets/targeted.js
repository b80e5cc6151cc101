// A photograph made to be called something else: projected gradient steps of whole grey levels.
// @ts-check

import { softmax } from "./numbers.js";
import { isFlat, projectedSteps } from "./projected_gradient.js";
import { logProbabilityOf } from "./squeezenet.js";

/** @import { PhotoNetwork } from "./squeezenet.js" */
/**
 * @typedef {object} Step
 * @property {Uint8Array} levels of the image now
 * @property {number[]} confidences in each class
 * @property {number} steps until now
 * @property {boolean} done the image is the goal, with enough confidence
 */

const LEVEL = 1 / 255;

/** @param {ArrayLike<number>} image */
export const toLevels = (image) => Uint8Array.from(image, (value) => Math.round(255 * value));
/** @param {Uint8Array} levels */
export const fromLevels = (levels) => Float32Array.from(levels, (level) => level * LEVEL);

// Targeted projected gradient steps (Kurakin et al. 2016): each moves every colour of every pixel by
// one level of 255 towards `goal`, and none further than `epsilon` levels from where it was. So each
// image on the way is one that a file of 8 bits can hold, and that is what is judged. A generator:
// yields what is there before the first step and after each; ends when the image is the goal with
// `enough` confidence, when no colour has a slope, or after `most` steps.
/**
 * @param {PhotoNetwork} net
 * @param {Uint8Array} levels
 * @param {number} size
 * @param {{ goal: number, epsilon: number, enough?: number, most?: number }} settings
 * @returns {Generator<Step, void>}
 */
export function* targetedSteps(net, levels, size, { goal, epsilon, enough = 0.99, most = 40 }) {
  const original = Float64Array.from(levels, (level) => level / 255);
  let judged = levels, flat = false;
  /** @type {number[]} */
  let confidences = [];
  const slopeOf = (/** @type {Float64Array} */ image) => {
    judged = toLevels(image);
    const { logits, gradient } = net.gradient(fromLevels(judged), size, logProbabilityOf(goal));
    confidences = softmax(Float64Array.from(logits));
    flat = isFlat(gradient);
    return gradient;
  };
  const settings = { epsilon: epsilon * LEVEL, length: LEVEL, slopeOf };
  let steps = 0;
  for (const _ of projectedSteps(original, new Float64Array(levels.length), settings)) {
    // the walk is one step ahead of what is told: the slope there came with the verdict
    const done = confidences[goal] >= enough;
    yield { levels: judged, confidences, steps, done };
    if (done || flat || steps === most) return;
    steps += 1;
  }
}
