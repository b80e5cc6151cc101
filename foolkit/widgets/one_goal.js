// Evolution with one goal: of each generation the best image stays, and is the next one's parent.
// @ts-check

import { Random } from "./random.js";

/** @import { Encoding, Judge } from "./evolution.js" */
/**
 * @template Genes
 * @typedef {{ genes: Genes, confidence: number, generation: number }} Champion
 */

// A generator: yields the best image so far after every child, and ends at the confidence `until`.
/**
 * @template Genes
 * @param {Judge} net
 * @param {{ encoding: Encoding<Genes>, goal: number, until: number, seed: number, batch?: number }} settings
 * @returns {Generator<Champion<Genes>, void>}
 */
export function* breedOne(net, { encoding, goal, until, seed, batch = 50 }) {
  const random = new Random(seed), image = new Float64Array(784);
  const judge = (/** @type {Genes} */ genes) => net.confidences(encoding.render(genes, image))[goal];
  const first = encoding.sample(random);
  let best = { genes: first, confidence: judge(first), generation: 0 };
  yield best;
  while (best.confidence < until) {
    const parent = best.genes, generation = best.generation + 1;
    best = { ...best, generation };
    for (let n = 0; n < batch; n++) {
      const genes = encoding.vary(parent, random, generation), confidence = judge(genes);
      if (confidence > best.confidence) best = { genes, confidence, generation };
      yield best;
    }
  }
}
