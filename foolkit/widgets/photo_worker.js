// The network of photographs in a worker, beside the page: the page stays awake while it computes.
// @ts-check

import { look, towards } from "./photo_attack.js";
import { squeezeNet } from "./squeezenet.js";

/** @import { Network } from "./photo_attack.js" */
/** @import { Tensors } from "./weights.js" */
/**
 * @typedef {{ kind: "network", tensors: Tensors }
 *   | { kind: "look", id: number, levels: Uint8ClampedArray, size: number }
 *   | { kind: "attack", id: number, levels: Uint8ClampedArray, size: number, target: number,
 *       epsilon: number, steps: number }
 *   | { kind: "stop" }} Order
 */
/**
 * @typedef {{ id: number, ended: boolean, step: number, levels: Uint8ClampedArray,
 *   confidences: Float32Array }} Report
 */

/** @type {Network | null} */
let net = null;
let stopped = false;
const pause = () => new Promise((resolve) => setTimeout(resolve)); // hears an order to stop

/** @param {Report} report */
const tell = (report) => postMessage(report);

/** @param {Order} order */
async function obey(order) {
  if (order.kind === "network") net = squeezeNet(order.tensors);
  if (order.kind === "stop") stopped = true;
  if (!net) return;
  if (order.kind === "look") {
    const { id, levels, size } = order;
    tell({ id, ended: true, step: 0, levels, confidences: look(net, levels, size) });
  }
  if (order.kind === "attack") {
    stopped = false;
    const { id, levels, ...options } = order;
    let stage = null;
    for (stage of towards(net, levels, options)) {
      tell({ id, ended: false, ...stage });
      await pause();
      if (stopped) break;
    }
    if (stage) tell({ id, ended: true, ...stage });
  }
}

addEventListener("message", ({ data }) => obey(data));
