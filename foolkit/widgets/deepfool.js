// DeepFool: the shortest ways from an image across the boundaries of its class.
// @ts-check

import { indexOfLargest, norm } from "./numbers.js";

/** @import { DigitNetwork } from "./network.js" */
/** @typedef {{ goal: number, change: Float64Array, length: number }} Way */

// The shortest way across the boundary to the class `goal`, step by step (DeepFool, Moosavi-Dezfooli
// et al. 2016): take the boundary for flat, go as far as that says and 2 % further, look again. No
// pixel leaves [0, 1]. Returns the change of the image, or null if `steps` did not suffice.
/**
 * @param {DigitNetwork} net
 * @param {Float64Array} original
 * @param {number} goal
 * @returns {Float64Array | null}
 */
export function changeTo(net, original, goal, steps = 50) {
  const image = Float64Array.from(original), first = indexOfLargest(net.logits(original));
  const direction = new Float64Array(10);
  direction[goal] = 1;
  direction[first] = -1;
  for (let n = 0; n < steps; n++) {
    const logits = net.logits(image);
    if (indexOfLargest(logits) === goal) return image.map((value, i) => value - original[i]);
    const gap = Math.abs(logits[first] - logits[goal]) + 1e-4;
    const gradient = net.gradient(direction); // of the goal's lead
    for (let i = 0; i < 784; i++) { // a pixel at its limit cannot go further
      if ((image[i] <= 0 && gradient[i] < 0) || (image[i] >= 1 && gradient[i] > 0)) gradient[i] = 0;
    }
    const squares = gradient.reduce((sum, g) => sum + g * g, 0);
    if (squares === 0) return null;
    for (let i = 0; i < 784; i++) {
      image[i] = Math.min(1, Math.max(0, image[i] + 1.02 * gap * gradient[i] / squares));
    }
  }
  return null;
}

// The ways to the nearest boundaries, the shortest first: [{goal, change, length}]. A generator,
// since nine classes are tried; its last value is the list.
/**
 * @param {DigitNetwork} net
 * @param {Float64Array} original
 */
export function* adversarialWays(net, original) {
  const first = indexOfLargest(net.logits(original));
  /** @type {Way[]} */
  const ways = [];
  for (let goal = 0; goal < 10; goal++) {
    if (goal === first) continue;
    const change = changeTo(net, original, goal);
    if (change) ways.push({ goal, change, length: norm(change) });
    yield ways;
  }
  ways.sort((a, b) => a.length - b.length);
  yield ways;
}
