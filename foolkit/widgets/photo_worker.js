// The network of photographs in a worker: it computes there, while the page draws and listens.
// @ts-check

import { softmax } from "./numbers.js";
import { squeezeNet } from "./squeezenet.js";
import { fromLevels, targetedSteps } from "./targeted.js";
import { readSafetensors } from "./weights.js";

/** @import { PhotoNetwork } from "./squeezenet.js" */
/** @import { Tensors } from "./weights.js" */
/** @typedef {{ levels: Uint8Array, size: number }} Judging an image of 8-bit levels, square */
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

// A task is a generator; the page hears every value, and the last one is its result.
const TASKS = {
  /** @param {Judging} request */
  * judge({ levels, size }) {
    yield { confidences: softmax(Float64Array.from(networkFor(size).logits(fromLevels(levels), size))) };
  },
  /** @param {Fooling} request */
  * fool({ levels, size, ...settings }) {
    yield* targetedSteps(networkFor(size), levels, size, settings);
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
        postMessage({ id, value });
        await listen();
        if (stopped.delete(id)) break;
      }
      postMessage({ id, ended: true });
    } catch (error) {
      postMessage({ id, error: error instanceof Error ? error.message : String(error) });
    }
  }
};
