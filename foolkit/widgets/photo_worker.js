// The network of photographs in a worker: it computes there, while the page draws and listens.
// @ts-check

import { tallyOf } from "./accident.js";
import { fromJSON } from "./cppn.js";
import { colourLevels } from "./cppn_colour.js";
import { softmax } from "./numbers.js";
import { breedFor } from "./photo_breeding.js";
import { squeezeNet } from "./squeezenet.js";
import { fromLevels, targetedSteps } from "./targeted.js";
import { readSafetensors } from "./weights.js";

/** @import { Press } from "./accident.js" */
/** @import { Sent } from "./cppn.js" */
/** @import { Breeding } from "./photo_breeding.js" */
/** @import { PhotoNetwork } from "./squeezenet.js" */
/** @import { Tensors } from "./weights.js" */
/** @typedef {{ levels: Uint8Array, size: number }} Judging an image of 8-bit levels, square */
/** @typedef {{ genome: Sent, size: number, large: number }} Drawing */
/** @typedef {Judging & { goal: number, epsilon: number, most: number }} Fooling */
/**
 * What the page sends: first the weights; then tasks, each with a number of its own; or which of
 * them to stop.
 *
 * @typedef {object} Order
 * @property {DataView} [weights]
 * @property {number} [stop]
 * @property {number} id
 * @property {keyof typeof TASKS} task
 * @property {any} request
 */

/** @type {Tensors} */
let tensors = {};
/** @type {Map<number, PhotoNetwork>} */
const networks = new Map(); // by the size of their images, for each is laid out once
/** @type {Set<number>} */
const stopped = new Set();

/** @param {number} size */
function networkFor(size) {
  const net = networks.get(size) ?? squeezeNet(tensors);
  networks.set(size, net);
  return net;
}

/**
 * @param {Uint8Array} levels
 * @param {number} size
 */
const judged = (levels, size) => softmax(Float64Array.from(networkFor(size).logits(fromLevels(levels), size)));

// A task is a generator; the page hears every value but null, and the last one is its result.
const TASKS = {
  /** @param {Judging} request */
  * judge({ levels, size }) {
    yield { confidences: judged(levels, size) };
  },
  /** @param {Judging} request */
  * describe({ levels, size }) {
    yield { features: networkFor(size).features(fromLevels(levels), size) };
  },
  /** @param {Fooling} request */
  * fool({ levels, size, ...settings }) {
    yield* targetedSteps(networkFor(size), levels, size, settings);
  },
  /** @param {Breeding} request */
  * breed({ size, ...settings }) {
    yield* breedFor({ confidences: (levels) => judged(levels, size) }, size, settings);
  },
  /** @param {Drawing} request a genome, judged at one size and drawn at a larger */
  * draw({ genome, size, large }) {
    const genes = fromJSON(genome);
    yield { confidences: judged(colourLevels(genes, size), size), levels: colourLevels(genes, large) };
  },
  /** @param {Press} request */
  * press(request) {
    yield* tallyOf((levels) => judged(levels, request.size), 3, request);
  },
};

// Between two values the worker listens: so a task can be stopped.
const listen = () => new Promise((resolve) => setTimeout(resolve));

/** @param {MessageEvent<Order>} event */
onmessage = async ({ data: { weights, stop, id, task, request } }) => {
  if (weights) tensors = readSafetensors(weights);
  else if (stop !== undefined) stopped.add(stop);
  else {
    try {
      for (const value of TASKS[task](request)) {
        if (value) postMessage({ id, value });
        await listen();
        if (stopped.delete(id)) break;
      }
      postMessage({ id, ended: true });
    } catch (error) {
      postMessage({ id, error: error instanceof Error ? error.message : String(error) });
    }
  }
};
