// A pattern bred for one name of a thousand.
// @ts-check

import { toJSON } from "./cppn.js";
import { ColourCPPN } from "./cppn_colour.js";
import { MapElites } from "./evolution.js";

/** @import { Sent, Settings } from "./cppn.js" */
/** @import { Judge } from "./evolution.js" */
/** @typedef {{ goal: number, seed: number, batch: number, encoding: Settings }} Plan */
/** @typedef {Plan & { size: number }} Breeding */
/**
 * @typedef {object} Progress
 * @property {number} generation
 * @property {number} judged images until now
 * @property {number} confidence of the goal's elite in the goal
 * @property {Sent} genome of that elite
 */

const CLASSES = 1000;
// Half of the children are the goal's own. The others come from any class, and often the way to
// one leads through another (Nguyen et al. 2015, goal switching).
const OWN = 0.5;

// MAP-Elites without end. Yields null after every child, and after every generation how it stands.
/**
 * @param {Judge<Uint8Array>} net
 * @param {number} size of the images that are judged
 * @param {Plan} plan
 * @returns {Generator<Progress | null, never>}
 */
export function* breedFor(net, size, { goal, seed, batch, encoding }) {
  const search = new MapElites(net, {
    seed, batch, encoding: new ColourCPPN(encoding, size), classes: CLASSES,
    choose: (random) => (random.next() < OWN ? goal : Math.floor(CLASSES * random.next())),
  });
  for (;;) {
    for (const _ of search.breed()) yield null;
    const { genes, confidence } = search.elites[goal], { generation } = search;
    yield { generation, judged: (generation + 1) * batch, confidence, genome: toJSON(genes) };
  }
}
