// What a network says of an image, and the image that a stronger change would give.
// @ts-check

import { percent } from "./confidence.js";
import { indexOfLargest } from "./numbers.js";

/** @import { Judge } from "./evolution.js" */

// Its confidences, the answer, and the confidence in that, in words.
/**
 * @param {Judge} net
 * @param {Float64Array} image
 */
export function verdictOf(net, image) {
  const confidences = net.confidences(image), answer = indexOfLargest(confidences);
  return { confidences, answer, sure: percent(confidences[answer]) };
}

// The original and `push` times the change, in 8 bits: what is judged is what is shown.
/**
 * @param {Float64Array} original
 * @param {Float64Array} image
 * @param {number} push
 */
export function pushed(original, image, push) {
  return image.map((value, i) => {
    const moved = original[i] + push * (value - original[i]);
    return Math.round(255 * Math.min(1, Math.max(0, moved))) / 255;
  });
}
