// A photograph, the reader's own or one of ours, becomes whatever the reader names.
// @ts-check

import { barRow } from "./bars.js";
import { percent } from "./confidence.js";
import { announcement, button, element, labelled, lessMotion, newId, slider } from "./page.js";
import { enlarged, paintColours, saveAsPng } from "./photo_canvas.js";
import workerSource from "./photo_worker.js?text";
import { hearOfPictures, readPicture } from "./readers_picture.js";
import { LATE, listen, widget } from "./widget.js";

/** @import { Report } from "./photo_worker.js" */
/** @import { Start } from "./widget.js" */
/** @import { Tensors } from "./weights.js" */
/**
 * @typedef {object} Traits as the Python class has them
 * @property {DataView<ArrayBuffer>[]} pictures
 * @property {string[]} titles
 * @property {string[]} names
 * @property {number} target
 * @property {number} epsilon
 * @property {number} steps
 * @property {DataView} changed
 * @property {number} confidence
 */

const SIZE = 224, LIKELIEST = 5, TIMES = 40, SWITCHES = 8, EACH = 400; // EACH: milliseconds

// The five likeliest names with their bars.
/** @param {string} label */
function likeliest(label) {
  const rows = Array.from({ length: LIKELIEST }, () => {
    const name = element("span", { class: "fk-name" });
    return { name, row: barRow(name) };
  });
  const node = element("ol", { class: "fk-bars fk-likeliest", "aria-label": label, role: "list" },
    ...rows.map(({ row }) => row.node));
  return {
    node,
    /** @param {Float32Array} confidences @param {string[]} names @param {number} target */
    show(confidences, names, target) {
      const order = [...confidences.keys()].sort((a, b) => confidences[b] - confidences[a]);
      rows.forEach(({ name, row }, place) => {
        const k = order[place];
        name.textContent = names[k];
        row.show({ share: confidences[k], text: percent(confidences[k]), marked: k === target });
      });
      return order[0];
    },
  };
}

/** @param {string} label */
const photo = (label) => element("canvas", {
  width: SIZE, height: SIZE, role: "img", "aria-label": label, class: "fk-picture fk-224",
});

/** @param {Start<Traits, Tensors>} start */
function start({ model, root, load }) {
  const names = model.get("names");
  // two names stand twice in the list: their number tells them apart
  const told = names.map((name, k) => (names.indexOf(name) === names.lastIndexOf(name) ? name : `${name} (${k})`));
  const epsilonOf = () => model.get("epsilon");
  /** @type {Worker | null} */
  let worker = null;
  /** @type {Promise<void> | null} */
  let ready = null;
  let asked = 0, busy = false, gone = false, title = "";
  /** @type {Uint8ClampedArray | null} */
  let original = null;
  /** @type {Uint8ClampedArray | null} */
  let changed = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let flickering;

  // ---- what is seen ----
  const before = photo("the photograph"), after = photo("the changed photograph");
  const change = photo("the change, forty times enlarged");
  const seenBefore = likeliest("what the network sees in the photograph");
  const seenAfter = likeliest("what it sees in the changed one");
  const status = announcement();
  const chooser = element("input", { type: "file", accept: "image/*", class: "fk-file", id: newId() });
  const albumNames = model.get("titles");
  const album = model.get("pictures").map((view, n) => {
    const address = URL.createObjectURL(new Blob([view], { type: "image/jpeg" }));
    const press = button("", () => take(new Blob([view], { type: "image/jpeg" }), albumNames[n]),
      { class: "fk-tile", "aria-label": albumNames[n] });
    press.append(element("img", { src: address, alt: "", width: 64, height: 64, class: "fk-photo" }));
    return { press, address };
  });
  const list = element("datalist", { id: newId() }, ...told.map((name) => element("option", { value: name })));
  const wanted = element("input", {
    type: "text", list: list.id, autocomplete: "off", value: told[model.get("target")],
  });
  const size = slider("largest change of a colour", {
    min: 1, max: 16, step: 1, value: epsilonOf(), format: (value) => `${value} of 255`,
  }, (value) => { model.set("epsilon", value); model.save_changes(); });
  const fool = button("Fool it", () => (busy ? halt() : attack()), { class: "fk-main" });
  const flicker = button("Flicker", flick), save = button("Save as PNG", keep);

  root.append(
    element("p", { class: "fk-title" }, "Fool a photograph"),
    element("div", { class: "fk-row", role: "group", "aria-label": "Photographs" },
      ...album.map(({ press }) => press),
      chooser, element("label", { class: "fk-own", for: chooser.id }, "Your own …")),
    element("p", { class: "fk-note" }, "Or drop or paste one here. It never leaves this page."),
    element("div", { class: "fk-row" }, labelled("to become ", wanted), list, size.node, fool),
    element("div", { class: "fk-photos" },
      element("figure", {}, before, element("figcaption", {}, "before"), seenBefore.node),
      element("figure", {}, after, element("figcaption", {}, "after"), seenAfter.node),
      element("figure", {}, change, element("figcaption", {}, `the change, ${TIMES} times`))),
    element("div", { class: "fk-row" }, flicker, save), status.node);

  function refresh() {
    fool.textContent = busy ? "Stop" : "Fool it";
    fool.disabled = !original;
    flicker.disabled = save.disabled = !changed || busy;
    album.forEach(({ press }, n) => press.setAttribute("aria-pressed", String(albumNames[n] === title)));
  }

  // ---- the network, once it is needed ----
  function network() {
    ready ??= (async () => {
      status.say("Loading the network, two and a half megabytes …");
      const tensors = await load(model.get("networks")[0], () => status.say(LATE));
      const address = URL.createObjectURL(new Blob([workerSource], { type: "text/javascript" }));
      worker = new Worker(address);
      URL.revokeObjectURL(address);
      worker.postMessage({ kind: "network", tensors });
    })();
    ready.catch(() => { ready = null; });
    return ready;
  }

  // Orders the worker, and hands on its reports until the last.
  /**
   * @param {object} order
   * @param {(report: Report) => void} hear
   * @returns {Promise<void>}
   */
  async function order(order, hear) {
    await network();
    const id = ++asked, at = worker;
    if (!at) return;
    await new Promise((resolve, reject) => {
      at.onmessage = ({ data }) => {
        if (data.id !== id || gone) return;
        hear(data);
        if (data.ended) resolve(undefined);
      };
      at.onerror = (event) => reject(new Error(event.message || "the worker failed"));
      at.postMessage({ ...order, id });
    });
  }

  /** @param {() => Promise<void>} work */
  async function tried(work) {
    busy = true;
    refresh();
    try {
      await work();
    } catch (error) {
      status.say(`That did not work: ${error instanceof Error ? error.message : error}.`);
    }
    busy = false;
    if (!gone) refresh();
  }

  // ---- a photograph ----
  /** @param {Blob} file @param {string} name */
  function take(file, name) {
    if (busy) return;
    tried(async () => {
      const levels = await readPicture(file, SIZE);
      stopFlicker();
      [original, changed, title] = [levels, null, name];
      for (const canvas of [before, after]) paintColours(canvas, levels);
      paintColours(change, levels.map(() => 127.5));
      await order({ kind: "look", levels, size: SIZE }, ({ confidences }) => {
        const first = seenBefore.show(confidences, names, -1);
        seenAfter.show(confidences, names, -1);
        status.say(`The network calls it “${told[first]}”, ${percent(confidences[first])}.`);
      });
    });
  }

  function attack() {
    const target = told.indexOf(wanted.value.trim());
    if (target < 0) {
      status.say("Choose one of the thousand names: begin to type, and take one from the list.");
      wanted.focus();
      return;
    }
    if (!original) return;
    const levels = original;
    model.set("target", target);
    stopFlicker();
    tried(async () => {
      const began = performance.now();
      const settings = { size: SIZE, target, epsilon: epsilonOf(), steps: model.get("steps") };
      await order({ kind: "attack", levels, ...settings }, (report) => {
        changed = report.levels;
        paintColours(after, report.levels);
        paintColours(change, enlarged(levels, report.levels, TIMES));
        const first = seenAfter.show(report.confidences, names, target);
        const answer = `“${told[target]}”, ${percent(report.confidences[target])}`, { step } = report;
        if (!report.ended) {
          status.say(`Step ${step}: ${answer}.`);
          return;
        }
        const seconds = ((performance.now() - began) / 1000).toFixed(1);
        if (first === target) status.say(`It is ${answer}, after ${step} steps and ${seconds} seconds.`);
        else status.say(`Not yet ${answer}, after ${step} steps. Allow a larger change.`);
        publish(report.levels, report.confidences[target]);
      });
    });
  }
  const halt = () => worker?.postMessage({ kind: "stop" });

  /** @param {Uint8ClampedArray} levels @param {number} confidence */
  function publish(levels, confidence) {
    model.set("changed", new DataView(levels.slice().buffer));
    model.set("confidence", confidence);
    model.save_changes();
  }

  // ---- look closely, and keep ----
  function stopFlicker() {
    clearInterval(flickering);
    flickering = undefined;
    if (changed) paintColours(after, changed);
  }
  function flick() {
    if (!original || !changed) return;
    if (flickering !== undefined) { stopFlicker(); return; }
    const pair = [original, changed];
    let n = 0;
    const turn = () => {
      paintColours(after, pair[n % 2]);
      n += 1;
      if (n > SWITCHES) stopFlicker();
    };
    turn();
    flickering = setInterval(turn, lessMotion() ? 3 * EACH : EACH);
    status.say("Original and changed in turn, in the middle picture. Can you see which is which?");
  }
  async function keep() {
    stopFlicker();
    const words = `${title} as ${told[model.get("target")]}`;
    const name = `${words.replaceAll(/[^\p{L}\p{N}]+/gu, "-")}.png`;
    await saveAsPng(after, name);
    status.say(`Saved as ${name}: without loss, so the file fools as this picture does.`);
  }

  hearOfPictures(root, chooser, (file) => take(file, "your picture"),
    (problem) => status.say(`That did not work: ${problem}.`));
  const unlisten = listen(model, {
    "change:target": () => { wanted.value = told[model.get("target")]; },
    "change:epsilon": () => size.set(epsilonOf()),
  });
  status.say("Choose a photograph, or bring your own.");
  refresh();
  return () => {
    gone = true;
    unlisten();
    worker?.terminate();
    clearInterval(flickering);
    for (const { address } of album) URL.revokeObjectURL(address);
  };
}

export default widget("fool-photograph", "Fool a photograph", start, { networkOf: (tensors) => tensors, lazy: true });
