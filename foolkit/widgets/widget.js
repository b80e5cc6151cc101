// What makes a widget of a function: it waits for the networks, then hands over.
// @ts-check

import { networkOf } from "./network.js";
import { element } from "./page.js";
import { readSafetensors } from "./weights.js";
import { nextFrame } from "./work.js";

// The weights: a kernel sends them, or the page's host has them from the site.
const PATIENCE = 5000; // milliseconds
const weightsOnThisPage = (globalThis.foolkitWeights ??= new Map()); // by file, once arrived

// A kernel answers when it has nothing else to do, and a notebook that was only opened has none:
// so there is no end of waiting, but `late` is called when it takes long.
function askFor(model, file, late) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(late, PATIENCE);
    const listen = (content, buffers) => {
      if (content.file !== file) return;
      clearTimeout(timer);
      model.off("msg:custom", listen);
      if (content.error) reject(new Error(content.error));
      else resolve(buffers[0]);
    };
    model.on("msg:custom", listen);
    model.send({ file });
  });
}

// A network of a widget. Weights that have arrived serve all widgets of the page; each asks for
// itself until then, since the kernel of one may be gone.
async function loadNetwork(model, name, late) {
  const file = `${name}.safetensors`;
  if (!weightsOnThisPage.has(file)) {
    const arrived = readSafetensors(await askFor(model, file, late));
    if (!weightsOnThisPage.has(file)) weightsOnThisPage.set(file, arrived);
  }
  return networkOf(weightsOnThisPage.get(file));
}

// Listens to many events of a model; returns what ends that.
export function listen(model, listeners) {
  const all = Object.entries(listeners);
  for (const [name, listener] of all) model.on(name, listener);
  return () => { for (const [name, listener] of all) model.off(name, listener); };
}

export const LATE = "Still waiting for the network. In a notebook: "
  + "the kernel is busy, or this cell has yet to be run.";

// A widget: waits for its networks, then hands over; what goes wrong is said in words. `net` is
// the network of the trait of that name, `nets` are those of `networks`; a `lazy` widget has none
// at first, and fetches each by `load(name, late)`.
export function widget(name, describe, start, { lazy = false } = {}) {
  return {
    async render({ model, el }) {
      const root = element("section", { class: `fk-widget fk-${name}`, "aria-label": describe });
      const waiting = element("p", { role: "status" }, "Loading the network …");
      root.append(waiting);
      el.append(root);
      try {
        const load = (one, late) => loadNetwork(model, one, late);
        const wait = (one) => load(one, () => { waiting.textContent = LATE; });
        const net = model.get("network") ? await wait(model.get("network")) : null;
        const nets = await Promise.all(lazy ? [] : (model.get("networks") ?? []).map(wait));
        // a notebook shows a widget a moment after it made it: until then it has no colours, no size
        const shown = () => getComputedStyle(root).backgroundColor !== "";
        for (let frame = 0; !shown() && frame < 60; frame += 1) await nextFrame();
        waiting.remove();
        const stop = start({ model, root, net, nets, load });
        root.dataset.ready = "true";
        return stop;
      } catch (error) {
        waiting.textContent = `This widget could not start: ${error.message}.`;
        console.error(error);
      }
    },
  };
}
