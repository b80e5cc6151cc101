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

// Polynomial mutation (Deb 2001): each gene changes with probability `rate`, mostly a little,
// seldom far; the larger eta, the smaller the steps. Clipped to [0, 1].
/**
 * @param {Float32Array} genes
 * @param {number} rate
 * @param {number} eta
 * @param {Random} random
 */
export function mutate(genes, rate, eta, random) {
  const child = Float32Array.from(genes);
  for (let i = 0; i < child.length; i++) {
    if (random.next() >= rate) continue;
    const u = random.next();
    const step = u < 0.5
      ? (2 * u) ** (1 / (eta + 1)) - 1
      : 1 - (2 * (1 - u)) ** (1 / (eta + 1));
    child[i] = Math.min(1, Math.max(0, child[i] + step));
  }
  return child;
}

// What is judged is the image that a file would hold: 256 levels of grey.
/**
 * @param {Float32Array} genes
 * @param {Float64Array} image written
 */
export function render(genes, image) {
  for (let i = 0; i < genes.length; i++) image[i] = Math.floor(255 * genes[i]) / 255;
  return image;
}

const HALVE_EVERY = 1000; // generations, as the paper's text says

// The direct encoding, one gene a pixel. An encoding has sample, vary and render, as in Python;
// MAP-Elites needs to know no more of it.
export class Pixels {
  /** @param {{ rate?: number, eta?: number }} [settings] */
  constructor({ rate = 0.1, eta = 15 } = {}) {
    this.rate = rate;
    this.eta = eta;
  }
  /** @param {Random} random */
  sample(random) {
    return Float32Array.from({ length: 784 }, () => random.next());
  }
  /**
   * @param {Float32Array} genes
   * @param {Random} random
   * @param {number} generation
   */
  vary(genes, random, generation) {
    return mutate(genes, this.rate * 0.5 ** Math.floor(generation / HALVE_EVERY), this.eta, random);
  }
  /**
   * @param {Float32Array} genes
   * @param {Float64Array} image written
   */
  render(genes, image) {
    return render(genes, image);
  }
}

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
