// Breeding by eye: the reader chooses the parents, the network only says what it sees.
// @ts-check

import { indexOfLargest } from "./numbers.js";
import { Random } from "./random.js";

/** @import { CPPN, Genome } from "./cppn.js" */
/** @import { Judge } from "./evolution.js" */

// Ten pictures of which the reader chooses one or two; the children of those fill the other places.
export class ReadersChoice {
  /**
   * @param {Judge} net
   * @param {CPPN} encoding
   * @param {number} seed
   */
  constructor(net, encoding, seed) {
    this.net = net;
    this.encoding = encoding;
    this.random = new Random(seed);
    this.generation = 0;
    this.kept = 0; // parents among the ten
    this.pictures = Array.from({ length: 10 }, () => this.judged(encoding.sample(this.random)));
  }
  /** @param {Genome} genes */
  judged(genes) { // the network only says what it sees
    const confidences = this.net.confidences(this.encoding.render(genes, new Float64Array(784)));
    const answer = indexOfLargest(confidences);
    return { genes, answer, confidence: confidences[answer] };
  }
  /** @param {number[]} chosen */
  breed(chosen) {
    const parents = chosen.map((place) => this.pictures[place]), { encoding, random } = this;
    const children = Array.from({ length: 10 - parents.length }, (_, child) => {
      const n = parents.length + child; // its place
      const own = parents[n % parents.length].genes, other = parents[(n + 1) % parents.length].genes;
      return this.judged(encoding.vary(own === other ? own : encoding.cross(own, other, random), random));
    });
    this.pictures = [...parents, ...children];
    this.kept = parents.length;
    this.generation += 1;
  }
}
