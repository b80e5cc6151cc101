// The page's end of the network of photographs: starts its worker, and hands it tasks.
// @ts-check

import { classesOf } from "./weights.js";
import { LATE } from "./widget.js";

/** @typedef {(file: string, late: () => void) => Promise<DataView>} FileOf */
/** @typedef {Awaited<ReturnType<typeof startNetwork>>} RunningNetwork */
/**
 * @typedef {object} Task
 * @property {(value: any) => void} hear
 * @property {(value: any) => void} end
 * @property {(error: Error) => void} fail
 * @property {unknown} last value
 */

// Fetches program and weights, which stand beside the page, and starts the worker. `names` are
// those of the classes.
/**
 * @param {FileOf} fileOf
 * @param {() => void} late
 */
async function startNetwork(fileOf, late) {
  const [program, weights] = await Promise.all(
    [fileOf("photo_worker.js", late), fileOf("squeezenet1_1.safetensors", late)]);
  const bytes = new Uint8Array(program.buffer, program.byteOffset, program.byteLength).slice();
  const address = URL.createObjectURL(new Blob([bytes], { type: "text/javascript" }));
  const worker = new Worker(address);
  /** @type {Map<number, Task>} */
  const tasks = new Map();
  let last = 0;
  worker.onmessage = ({ data: { id, value, ended, error } }) => {
    const task = tasks.get(id);
    if (!task) return;
    if (error) task.fail(new Error(error));
    else if (ended) task.end(task.last);
    else {
      task.last = value;
      task.hear(value);
    }
    if (error || ended) tasks.delete(id);
  };
  worker.onerror = (event) => {
    for (const { fail } of tasks.values()) fail(new Error(event.message || "the worker did not start"));
    tasks.clear();
  };
  worker.postMessage({ weights });
  return {
    names: classesOf(weights),
    // A task of photo_worker.js; `hear` gets every value, and `result` the last one.
    /**
     * @param {string} task
     * @param {object} request
     * @param {(value: any) => void} [hear]
     * @returns {{ result: Promise<any>, stop: () => void }}
     */
    run(task, request, hear = () => {}) {
      const id = ++last;
      const result = new Promise((end, fail) => {
        tasks.set(id, { hear, end, fail, last: null });
        worker.postMessage({ id, task, request });
      });
      return { result, stop: () => worker.postMessage({ stop: id }) };
    },
    end() {
      worker.terminate();
      URL.revokeObjectURL(address);
    },
  };
}

// A network that sleeps until it is needed. `say` tells the reader that it is loaded; `woken` is
// called with the names of the classes once it is.
/**
 * @param {{ fileOf: FileOf, say: (text: string) => void, woken?: (names: string[]) => void }} options
 */
export function sleepingNetwork({ fileOf, say, woken = () => {} }) {
  /** @type {Promise<RunningNetwork> | null} */
  let waking = null;
  return {
    sleeps: () => waking === null,
    wake() {
      if (!waking) {
        say("Loading the network, once: 2.5 megabytes …");
        waking = startNetwork(fileOf, () => say(LATE));
        waking.then(({ names }) => woken(names), () => { waking = null; }); // it may be tried again
      }
      return waking;
    },
    end() { waking?.then((net) => net.end(), () => {}); },
  };
}
