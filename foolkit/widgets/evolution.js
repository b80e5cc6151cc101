// MAP-Elites with one elite a class: the algorithm of foolkit.evolve, line by line.
// @ts-check

import { Random } from "./random.js";

/** @typedef {{ confidences(image: Float64Array): number[] }} Judge */
/**
 * @template Genes
 * @typedef {object} Encoding
 * @property {(random: Random) => Genes} sample
 * @property {(genes: Genes, random: Random, generation: number) => Genes} vary
 * @property {(genes: Genes, image: Float64Array) => Float64Array} render
 */
/**
 * @template Genes
 * @typedef {{ genes: Genes, confidence: number, born: number }} Elite
 */

/** @template Genes */
export class MapElites {
  /**
   * @param {Judge} net
   * @param {{ seed?: number, batch?: number, encoding: Encoding<Genes> }} settings
   */
  constructor(net, { seed = 0, batch = 50, encoding }) {
    this.net = net;
    this.batch = batch;
    this.encoding = encoding;
    this.random = new Random(seed);
    this.image = new Float64Array(784);
    this.generation = -1; // until the first population is judged
    /** @type {Elite<Genes>[]} */
    this.elites = []; // one a class, once the first population is judged
    /** @type {number[][]} */
    this.history = []; // ten confidences a generation
  }

  // One generation. A generator that yields after every child: a page draws in between.
  * breed() {
    const { encoding, random } = this, generation = this.generation + 1;
    const parents = this.elites.map((elite) => elite.genes);
    const next = [...this.elites];
    for (let n = 0; n < this.batch; n++) {
      const genes = generation === 0
        ? encoding.sample(random)
        : encoding.vary(parents[Math.floor(10 * random.next())], random, generation);
      const confidences = this.net.confidences(encoding.render(genes, this.image));
      // every child is offered to every class, and must be strictly better
      for (let k = 0; k < 10; k++) {
        const confidence = Math.fround(confidences[k]); // as fine as Python's 32-bit numbers
        if (confidence > (next[k]?.confidence ?? -1)) next[k] = { genes, confidence, born: generation };
      }
      yield;
    }
    this.elites = next;
    this.generation = generation;
    this.history.push(next.map((elite) => elite.confidence));
  }
}
