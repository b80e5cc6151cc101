// MAP-Elites with one elite a class: the algorithm of foolkit.evolve, line by line.
// @ts-check

import { Random } from "./random.js";

/**
 * @template [Image=Float64Array]
 * @typedef {{ confidences(image: Image): number[] }} Judge
 */
/**
 * @template Genes
 * @template [Image=Float64Array]
 * @typedef {object} Encoding
 * @property {(random: Random) => Genes} sample
 * @property {(genes: Genes, random: Random, generation: number) => Genes} vary
 * @property {(genes: Genes, image: Float64Array) => Image} render
 */
/**
 * @template Genes
 * @typedef {{ genes: Genes, confidence: number, born: number }} Elite
 */

/**
 * @template Genes
 * @template [Image=Float64Array]
 */
export class MapElites {
  /**
   * @param {Judge<Image>} net
   * @param {{ seed?: number, batch?: number, encoding: Encoding<Genes, Image>, classes?: number,
   *   choose?: (random: Random) => number }} settings `choose` says whose elite is the next parent,
   *   by default every class is as likely
   */
  constructor(net, {
    seed = 0, batch = 50, encoding, classes = 10, choose = (random) => Math.floor(classes * random.next()),
  }) {
    this.net = net;
    this.classes = classes;
    this.choose = choose;
    this.batch = batch;
    this.encoding = encoding;
    this.random = new Random(seed);
    this.image = new Float64Array(784);
    this.generation = -1; // until the first population is judged
    /** @type {Elite<Genes>[]} */
    this.elites = []; // one a class, once the first population is judged
    /** @type {number[][]} */
    this.history = []; // the confidences of each generation
  }

  // One generation. A generator that yields after every child: a page draws in between.
  * breed() {
    const { encoding, random } = this, generation = this.generation + 1;
    const parents = this.elites.map((elite) => elite.genes);
    const next = [...this.elites];
    for (let n = 0; n < this.batch; n++) {
      const genes = generation === 0
        ? encoding.sample(random)
        : encoding.vary(parents[this.choose(random)], random, generation);
      const confidences = this.net.confidences(encoding.render(genes, this.image));
      // every child is offered to every class, and must be strictly better
      for (let k = 0; k < this.classes; k++) {
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
