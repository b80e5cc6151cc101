// What makes a widget of a function: it waits for the networks, then hands over.
// @ts-check

import { element } from "./page.js";
import { readSafetensors } from "./weights.js";
import { nextFrame } from "./work.js";

/** @import { Tensors } from "./weights.js" */
/** @typedef {{ network: string, networks: string[] }} Shared the traits that every widget has */
/** @typedef {{ file: string, error?: string }} Answer */
/** @typedef {(content: Answer, buffers: DataView[]) => void} Hear an answer */
/**
 * The model that a kernel or the page's host gives: traits by their names, and events.
 *
 * @template {object} T its traits
 * @typedef {object} Model
 * @property {<K extends keyof (T & Shared)>(name: K) => (T & Shared)[K]} get
 * @property {<K extends keyof T>(name: K, value: T[K]) => void} set
 * @property {() => void} save_changes
 * @property {(event: string, listener: (() => void) | Hear) => void} on
 * @property {(event: string, listener: (() => void) | Hear) => void} off
 * @property {(content: { file: string }) => void} send
 */
/**
 * What a widget starts with. `N` are its networks; null where its class names none.
 *
 * @template {object} T its traits
 * @template [N=null]
 * @typedef {object} Start
 * @property {Model<T>} model
 * @property {HTMLElement} root
 * @property {N} net
 * @property {N[]} nets
 * @property {(name: string, late: () => void) => Promise<N>} load
 * @property {(file: string, late: () => void) => Promise<DataView>} fileOf any file beside the page
 */

// The weights: a kernel sends them, or the page's host has them from the site.
const PATIENCE = 5000; // milliseconds
const page = /** @type {typeof globalThis & { foolkitWeights?: Map<string, Tensors> }} */ (globalThis);
const weightsOnThisPage = (page.foolkitWeights ??= new Map()); // by file, once arrived

// A kernel answers when it has nothing else to do, and a notebook that was only opened has none:
// so there is no end of waiting, but `late` is called when it takes long.
/**
 * @template {object} T
 * @param {Model<T>} model
 * @param {string} file
 * @param {() => void} late
 * @returns {Promise<DataView>}
 */
function askFor(model, file, late) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(late, PATIENCE);
    /** @type {Hear} */
    const hear = (content, buffers) => {
      if (content.file !== file) return;
      clearTimeout(timer);
      model.off("msg:custom", hear);
      if (content.error) reject(new Error(content.error));
      else resolve(buffers[0]);
    };
    model.on("msg:custom", hear);
    model.send({ file });
  });
}

// The weights of a network. Those that have arrived serve all widgets of the page; each asks for
// itself until then, since the kernel of one may be gone.
/**
 * @template {object} T
 * @param {Model<T>} model
 * @param {string} name
 * @param {() => void} late
 */
async function loadTensors(model, name, late) {
  const file = `${name}.safetensors`;
  let tensors = weightsOnThisPage.get(file);
  if (!tensors) {
    const arrived = readSafetensors(await askFor(model, file, late));
    tensors = weightsOnThisPage.get(file) ?? arrived;
    weightsOnThisPage.set(file, tensors);
  }
  return tensors;
}

// Listens to many events of a model; returns what ends that.
/**
 * @template {object} T
 * @param {Model<T>} model
 * @param {Record<string, () => void>} listeners
 */
export function listen(model, listeners) {
  const all = Object.entries(listeners);
  for (const [name, listener] of all) model.on(name, listener);
  return () => { for (const [name, listener] of all) model.off(name, listener); };
}

export const LATE = "Still waiting for the network. In a notebook: "
  + "the kernel is busy, or this cell has yet to be run.";

// A widget: waits for its networks, then hands over; what goes wrong is said in words. `net` is
// the network of the trait of that name, `nets` are those of `networks`; a `lazy` widget has none
// at first, and fetches each by `load(name, late)`, or its files by `fileOf`. `networkOf` makes them of their weights.
/**
 * @template {object} T
 * @template [N=null]
 * @param {string} name
 * @param {string} describe
 * @param {(start: Start<T, N>) => (() => void) | void} start
 * @param {{ networkOf?: (tensors: Tensors) => N, lazy?: boolean }} [options]
 */
export function widget(name, describe, start, { networkOf, lazy = false } = {}) {
  return {
    /** @param {{ model: Model<T>, el: HTMLElement }} view */
    async render({ model, el }) {
      const root = element("section", { class: `fk-widget fk-${name}`, "aria-label": describe });
      const waiting = element("p", { role: "status" }, "Loading the network …");
      root.append(waiting);
      el.append(root);
      try {
        const load = async (/** @type {string} */ one, /** @type {() => void} */ late) => {
          const tensors = await loadTensors(model, one, late);
          if (!networkOf) throw new Error(`no use for the network ${one}`);
          return networkOf(tensors);
        };
        const wait = (/** @type {string} */ one) => load(one, () => { waiting.textContent = LATE; });
        const own = model.get("network");
        const net = own ? await wait(own) : null;
        const nets = await Promise.all(lazy ? [] : (model.get("networks") ?? []).map(wait));
        // a notebook shows a widget a moment after it made it: until then it has no colours, no size
        const shown = () => getComputedStyle(root).backgroundColor !== "";
        for (let frame = 0; !shown() && frame < 60; frame += 1) await nextFrame();
        waiting.remove();
        const fileOf = (/** @type {string} */ file, /** @type {() => void} */ late) => askFor(model, file, late);
        const stop = start({ model, root, net: /** @type {N} */ (net), nets, load, fileOf });
        root.dataset.ready = "true";
        return stop;
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        waiting.textContent = `This widget could not start: ${message}.`;
        console.error(error);
      }
    },
  };
}
