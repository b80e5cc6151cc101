// How far the best other class leads the label.
// @ts-check

import { indexOfLargest } from "./numbers.js";

// That class, and its lead in logits: above 0 the network is fooled.
/**
 * @param {ArrayLike<number>} logits
 * @param {number} label
 */
export function marginOf(logits, label) {
  const others = Float64Array.from(logits);
  others[label] = -Infinity;
  const rival = indexOfLargest(others);
  return { rival, lead: others[rival] - logits[label] };
}
