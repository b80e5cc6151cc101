// The gradient of the loss with respect to the pixels.
// @ts-check

/** @import { DigitNetwork } from "./network.js" */

// How the loss, -log p_answer, changes with each pixel. With respect to the logits the gradient is
// p - onehot(answer): raise every other class in proportion to its confidence.
/**
 * @param {DigitNetwork} net
 * @param {Float64Array} image
 * @param {number} answer
 */
export function lossGradient(net, image, answer) {
  const direction = net.confidences(image);
  direction[answer] = -direction.reduce((sum, p, k) => (k === answer ? sum : sum + p), 0);
  return net.gradient(direction);
}
