// Random pictures before a network, one after another, and a tally of those that it is sure of.
// @ts-check

import { indexOfLargest } from "./numbers.js";
import { Random } from "./random.js";
import { TEXTURES } from "./textures.js";

/** @import { Settings } from "./cppn.js" */
/** @typedef {{ kind: string, seed: number, size: number, encoding: Settings }} Press */
/** @typedef {{ confidence: number, answer: number, levels: Uint8Array }} Surest of all pictures so far */
/**
 * @typedef {object} Tally
 * @property {number} images
 * @property {number} hits how many of them the network was sure of
 * @property {number} first the number of the first of these; 0: none yet
 * @property {Record<number, number>} called of these, how many had each class
 * @property {Surest} surest
 */

export const SURE = 0.99;

// Without end; yields the tally after every picture. `confidencesOf` is the network.
/**
 * @param {(levels: Uint8Array) => number[]} confidencesOf
 * @param {number} channels
 * @param {Press} press
 * @returns {Generator<Tally, never>}
 */
export function* tallyOf(confidencesOf, channels, { kind, seed, size, encoding }) {
  const random = new Random(seed);
  let images = 0, hits = 0, first = 0;
  /** @type {Surest} */
  let surest = { confidence: 0, answer: 0, levels: new Uint8Array() };
  /** @type {Record<number, number>} */
  let called = {};
  for (;;) {
    const levels = TEXTURES[kind](random, size, channels, encoding);
    const confidences = confidencesOf(levels), answer = indexOfLargest(confidences);
    const confidence = Math.fround(confidences[answer]); // as fine as Python's 32-bit numbers
    images += 1;
    if (confidence >= SURE) {
      hits += 1;
      first ||= images;
      called = { ...called, [answer]: (called[answer] ?? 0) + 1 };
    }
    if (confidence > surest.confidence) surest = { confidence, answer, levels };
    yield { images, hits, first, called, surest };
  }
}
