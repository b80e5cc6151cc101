// The direct encoding: one gene a pixel.
// @ts-check

import { mutate } from "./mutation.js";

/** @import { Random } from "./random.js" */

const HALVE_EVERY = 1000; // generations, as the paper's text says

// An encoding has sample, vary and render, as in Python; MAP-Elites needs to know no more of it.
export class Pixels {
  /** @param {{ rate?: number, eta?: number, count?: number }} [settings] count of the genes */
  constructor({ rate = 0.1, eta = 15, count = 784 } = {}) {
    this.rate = rate;
    this.eta = eta;
    this.count = count;
  }
  /** @param {Random} random */
  sample(random) {
    return Float32Array.from({ length: this.count }, () => random.next());
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
  render(genes, image) { // what is judged is the image that a file would hold: 256 levels of grey
    for (let i = 0; i < genes.length; i++) image[i] = Math.floor(255 * genes[i]) / 255;
    return image;
  }
}
