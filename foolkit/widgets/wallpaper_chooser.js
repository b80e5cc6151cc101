// A wallpaper behind a thing, and what a search by picture then finds.
// @ts-check

import { paintLevels } from "./levels.js";
import { announcement, element, labelled, menu, slider } from "./page.js";
import { sleepingNetwork } from "./photo_network.js";
import { pen } from "./pictures.js";
import { cosines, inFront, nth } from "./wallpaper.js";
import { readSafetensors } from "./weights.js";
import { LATE, listen, widget } from "./widget.js";

/** @import { Tensors } from "./weights.js" */
/** @import { Start } from "./widget.js" */
/**
 * @typedef {object} Traits as the Python class has them
 * @property {string[]} backgrounds
 * @property {string[]} objects
 * @property {number[]} wanted
 * @property {string[]} photographs
 * @property {string} background
 * @property {string} object
 * @property {number} goal
 * @property {number} size
 * @property {number[]} found
 */

const SIDE = 128, FOUND = 5; // pixels of a query; pictures that the search answers with
const PREVIEW = 64, ROW = 16; // of the sheet with all pictures: pixels of each, and how many in a row
/** @type {Record<string, string>} */
const WORDS = {
  plain: "plain grey", bricks: "bricks, a photograph", formulas: "patterns, bred for the wanted picture",
  pixels: "noise, bred for it", painted: "painted for it",
};

/**
 * @typedef {object} Stored what the page has of the search
 * @property {Tensors} tensors
 * @property {HTMLImageElement} sheet
 */

/** @param {Start<Traits>} start */
function start({ model, root, fileOf }) {
  let ended = false, busy = false, again = false;
  /** @type {Stored | null} */
  let stored = null;
  /** @type {Promise<Stored> | null} */
  let waking = null;
  const status = announcement();
  const network = sleepingNetwork({ fileOf, say: (text) => status.say(text) });

  // The search's own file, once.
  function wake() {
    waking ??= (async () => {
      const view = await fileOf("visual-search.safetensors", () => status.say(LATE));
      const tensors = readSafetensors(view), sheet = new Image();
      const address = URL.createObjectURL(new Blob([Uint8Array.from(tensors.sprite)], { type: "image/jpeg" }));
      try {
        sheet.src = address;
        await sheet.decode();
      } finally {
        URL.revokeObjectURL(address);
      }
      stored = { tensors, sheet };
      return stored;
    })();
    waking.catch(() => { waking = null; }); // it may be tried again
    return waking;
  }

  // ---- what is seen ----
  const photographs = model.get("photographs");
  const query = element("canvas", {
    width: SIDE, height: SIDE, role: "img", class: "fk-photograph", "aria-label": "No query yet" });
  function preview() {
    const canvas = element("canvas", {
      width: PREVIEW, height: PREVIEW, role: "img", class: "fk-photograph", "aria-label": "No picture yet" });
    const words = element("span", { class: "fk-note" });
    return {
      node: element("li", {}, canvas, words),
      /**
       * @param {HTMLImageElement} sheet
       * @param {number} n
       * @param {string} text
       * @param {boolean} marked
       */
      show(sheet, n, text, marked = false) {
        pen(canvas).drawImage(sheet, PREVIEW * (n % ROW), PREVIEW * Math.floor(n / ROW), PREVIEW, PREVIEW,
          0, 0, PREVIEW, PREVIEW);
        words.textContent = text;
        canvas.setAttribute("aria-label", text);
        canvas.classList.toggle("fk-wanted", marked);
      },
    };
  }
  const goal = preview(), answers = Array.from({ length: FOUND }, preview);
  const verdict = element("p", { class: "fk-title", role: "status" });

  // ---- the search ----
  /** @param {Stored} stored */
  function queryOf({ tensors }) {
    const name = model.get("background"), patterns = tensors[`background/${name}`];
    const many = ["formulas", "pixels", "painted"].includes(name);
    const count = many ? model.get("wanted").length : 1, side = Math.round(Math.sqrt(patterns.length / count / 3));
    const object = nth(tensors.objects, model.get("objects").indexOf(model.get("object")), SIDE);
    return inFront(object, model.get("size"), nth(patterns, many ? model.get("goal") : 0, side));
  }
  async function look() { // one search at a time; of the choices made meanwhile the last one counts
    if (busy) { again = true; return; }
    busy = true;
    try {
      const [{ run }, own] = await Promise.all([network.wake(), wake()]);
      do {
        again = false;
        const levels = queryOf(own);
        paintLevels(query, levels);
        const { features } = await run("describe", { levels, size: SIDE }).result;
        if (ended) return;
        if (!again) show(own, cosines(features, own.tensors.middle, own.tensors.known));
      } while (again);
    } catch (error) {
      if (!ended) status.say(error instanceof Error ? error.message : String(error));
    } finally {
      busy = false;
    }
  }
  /**
   * @param {Stored} stored
   * @param {number[]} alike
   */
  function show({ sheet }, alike) {
    const wanted = model.get("wanted")[model.get("goal")], object = model.get("object");
    const found = alike.map((_, n) => n).sort((a, b) => alike[b] - alike[a]).slice(0, FOUND);
    const place = found.indexOf(wanted), of = (/** @type {string} */ title) =>
      found.filter((n) => photographs[n] === title).length;
    goal.show(sheet, wanted, `wanted: a piece of “${photographs[wanted]}”`, true);
    answers.forEach((one, n) => {
      const words = `${n + 1}. “${photographs[found[n]]}” ${alike[found[n]].toFixed(2)}`;
      one.show(sheet, found[n], words + (n === place ? " ◂ wanted" : ""), n === place);
    });
    query.setAttribute("aria-label", `The query: ${object}, ${Math.round(100 * model.get("size"))} % wide, before `
      + `${WORDS[model.get("background")] ?? model.get("background")}`);
    const before = alike.filter((one) => one > alike[wanted]).length;
    verdict.textContent = place >= 0 ? `The wanted picture is among the five, number ${place + 1}.`
      : `The wanted picture is not among the five; it is number ${before + 1}.`;
    status.say(`Of the five, ${of(photographs[wanted])} from “${photographs[wanted]}”, `
      + `${of(object)} from the object's own photograph, “${object}”.`);
    model.set("found", found);
    model.save_changes();
  }

  // ---- controls ----
  /** @type {typeof model.set} */
  function set(name, value) {
    model.set(name, value);
    model.save_changes();
  }
  const background = menu(model.get("backgrounds").map((name) => [name, WORDS[name] ?? name]),
    (value) => set("background", value));
  const object = menu(model.get("objects").map((name) => [name, name]), (value) => set("object", value));
  const wanted = menu(model.get("wanted").map((picture, n) => [n, photographs[picture]]),
    (value) => set("goal", Number(value)));
  const size = slider("its width ", {
    min: 0.2, max: 0.95, step: 0.05, value: model.get("size"), format: (value) => `${Math.round(100 * value)} %`,
  }, (value) => set("size", value));
  root.append(
    element("div", { class: "fk-row" }, labelled("wallpaper ", background), labelled("wanted picture ", wanted)),
    element("div", { class: "fk-row" }, labelled("object ", object), size.node),
    element("div", { class: "fk-search-columns" },
      element("div", {}, element("p", { class: "fk-title" }, "The query"), query,
        element("ul", { class: "fk-found", role: "list", "aria-label": "The wanted picture" }, goal.node)),
      element("div", {}, element("p", { class: "fk-title" }, "What the search finds"),
        element("ol", { class: "fk-found", role: "list", "aria-label": "The five nearest pictures, with cosines" },
          ...answers.map(({ node }) => node)), verdict)),
    status.node);

  // ---- what it hears ----
  const touch = () => { if (network.sleeps() || !stored) look(); };
  root.addEventListener("pointerdown", touch);
  root.addEventListener("focusin", touch);
  const chosen = () => {
    background.value = model.get("background");
    object.value = model.get("object");
    wanted.value = String(model.get("goal"));
    size.set(model.get("size"));
  };
  const hear = () => {
    chosen();
    look();
  };
  const deafen = listen(model, Object.fromEntries(
    ["background", "object", "goal", "size"].map((name) => [`change:${name}`, hear])));
  chosen();
  status.say("Touch any part of this, and the network and the pictures are loaded.");
  return () => {
    ended = true;
    deafen();
    network.end();
  };
}

export default widget("wallpaper", "Choose a wallpaper for a search by picture", start, { lazy: true });
