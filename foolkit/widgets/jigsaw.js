// A picture in tiles: swap them by mouse, finger or keyboard, and watch the ten bars.
// @ts-check

import { confidenceBars } from "./bars.js";
import { percent } from "./confidence.js";
import { arrowStep, isShortcut } from "./keys.js";
import { networkOf } from "./network.js";
import { indexOfLargest } from "./numbers.js";
import { announcement, button, element, labelled, menu } from "./page.js";
import { fromBytes, paint } from "./pictures.js";
import { cellUnder } from "./pointed.js";
import { Random } from "./random.js";
import { inOrder, rearranged, shuffled, swapped } from "./tiles.js";
import { listen, widget } from "./widget.js";

/** @import { DigitNetwork } from "./network.js" */
/** @import { Start } from "./widget.js" */
/**
 * @typedef {object} Traits as the Python class has them
 * @property {DataView} images
 * @property {number[]} labels
 * @property {string[]} names
 * @property {number} chosen
 * @property {number} grid
 * @property {number[]} order
 * @property {number} seed
 * @property {number} answer
 * @property {number[]} confidence
 */

const GRIDS = [2, 4, 7];

/** @param {Start<Traits, DigitNetwork>} start */
function start({ model, root, net }) {
  const total = model.get("labels").length;
  const random = new Random(model.get("seed"));
  let grid = model.get("grid"), order = model.get("order");
  let cursor = 0; // the place that the hand is at
  /** @type {number | null} */
  let held = null; // the place of the tile that will be swapped, if any
  let dragging = false, fresh = false; // fresh: this press has picked the tile up

  // ---- what is seen ----
  const canvas = element("canvas", { width: 28, height: 28, class: "fk-picture", "aria-hidden": "true" });
  /** @param {string} name */
  const cover = (name) => element("span", { class: name, "aria-hidden": "true" });
  const lines = cover("fk-lines"), frame = cover("fk-brush"), mark = cover("fk-held");
  const pad = element("div", {
    class: "fk-pad", tabindex: 0, role: "application", "aria-roledescription": "jigsaw",
    "aria-label": "Picture in tiles. Arrow keys choose a tile, Space picks it up; arrow keys and "
      + "Space again swap it with another. Escape lets go.",
  }, canvas, lines, mark, frame);
  const title = element("p", { class: "fk-title" });
  const bars = confidenceBars("The network's confidence in each digit");
  const status = announcement(), hand = announcement();
  hand.node.className = "fk-note";

  const label = () => model.get("labels")[model.get("chosen")];
  /** @param {number} number */
  const place = (number) => `row ${Math.floor(number / grid) + 1}, column ${number % grid + 1}`;
  /**
   * @param {HTMLElement} node
   * @param {number} number
   */
  function enclose(node, number) {
    node.style.left = `${100 * (number % grid) / grid}%`;
    node.style.top = `${100 * Math.floor(number / grid) / grid}%`;
    node.style.width = node.style.height = `${100 / grid}%`;
  }
  function show() { // a held tile is shown where it would go
    const image = rearranged(fromBytes(model.get("images"), model.get("chosen")), grid,
      held === null ? order : swapped(order, held, cursor));
    const confidences = net.confidences(image);
    paint(canvas, image);
    bars.show(confidences);
    enclose(frame, cursor);
    mark.hidden = held === null;
    if (held !== null) enclose(mark, held);
    return confidences;
  }
  function point() { // what the hand does
    hand.say(held === null ? `At ${place(cursor)}: Space picks this tile up.`
      : held === cursor ? `The tile of ${place(held)} is held: choose another to swap it with.`
        : `The tile of ${place(held)} is held over ${place(cursor)}: Space swaps the two.`);
    show();
  }
  let telling = false; // what this page sets itself needs no second look
  /** @param {string} what */
  function look(what) {
    const confidences = show(), answer = indexOfLargest(confidences);
    const home = order.filter((tile, now) => tile === now).length;
    title.textContent = `The network, and the label ${label()}`;
    status.say(`${what} ${home} of ${grid * grid} tiles in their place. The label is ${label()}; `
      + `the network sees a${answer === 8 ? "n" : ""} ${answer}, with ${percent(confidences[answer])} confidence.`);
    restore.disabled = home === grid * grid;
    telling = true;
    model.set("order", order);
    model.set("answer", answer);
    model.set("confidence", Array.from(confidences));
    telling = false;
    model.save_changes();
  }

  // ---- what can be done ----
  /**
   * @param {number[]} next
   * @param {string} what
   */
  function arrange(next, what) {
    held = null;
    order = next;
    look(what);
  }
  function pickUp() { held = cursor; point(); }
  function letGo() { held = null; point(); }
  function swap() {
    if (held === null) return;
    const what = `Swapped: ${place(held)} and ${place(cursor)}.`;
    arrange(swapped(order, held, cursor), what);
    hand.say(`At ${place(cursor)}: Space picks this tile up.`);
  }

  // ---- pointer: drag a tile onto another, or tap one and then the other ----
  /** @param {PointerEvent} event */
  function under(event) {
    const [column, row] = cellUnder(event, canvas, grid);
    return column + grid * row;
  }
  pad.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    pad.setPointerCapture(event.pointerId);
    dragging = true;
    fresh = held === null;
    cursor = under(event);
    if (fresh) pickUp(); else point();
  });
  pad.addEventListener("pointermove", (event) => {
    const now = under(event);
    if (!dragging || now === cursor) return;
    cursor = now;
    point();
  });
  pad.addEventListener("pointerup", () => {
    if (!dragging) return;
    dragging = false;
    if (held !== cursor) swap();
    else if (!fresh) letGo();
  });
  pad.addEventListener("pointercancel", () => { dragging = false; letGo(); });

  pad.addEventListener("keydown", (event) => {
    if (isShortcut(event)) return;
    const arrow = arrowStep(event);
    if (arrow) {
      /** @param {number} value */
      const inside = (value) => Math.min(grid - 1, Math.max(0, value)), [dx, dy] = arrow;
      cursor = inside(cursor % grid + dx) + grid * inside(Math.floor(cursor / grid) + dy);
      point();
    } else if (event.key === " " || event.key === "Enter") {
      if (held === null) pickUp();
      else if (held === cursor) letGo();
      else swap();
    } else if (event.key === "Escape") letGo();
    else return;
    event.preventDefault();
  });

  // ---- controls ----
  /** @param {"chosen" | "grid"} name */
  const set = (name) => (/** @type {string} */ value) => { // Python's changes and the reader's start alike
    model.set(name, Number(value));
    model.save_changes();
  };
  const names = model.get("names");
  const choice = menu(Array.from({ length: total }, (_, n) => [n, names[n]]), set("chosen"));
  const size = menu(GRIDS.map((n) => [n, `${n} × ${n}`]), set("grid"));
  const restore = button("Restore", () => {
    arrange(inOrder(grid * grid), "Whole again.");
    if (document.activeElement === document.body) pad.focus();
  });
  root.append(
    element("div", { class: "fk-columns" },
      element("div", {}, element("p", { class: "fk-title" }, "Swap the tiles"), pad, hand.node),
      element("div", {}, title, bars.node)),
    element("div", { class: "fk-row" }, labelled("picture ", choice), labelled("tiles ", size),
      button("Shuffle", () => arrange(shuffled(grid * grid, random), "Shuffled."), { class: "fk-main" }),
      restore),
    status.node);

  function setUp() {
    choice.value = String(model.get("chosen"));
    size.value = String(grid);
    lines.style.backgroundSize = `${100 / grid}% ${100 / grid}%`;
  }
  const hear = {
    "change:chosen": () => { held = null; setUp(); look(`Now ${names[model.get("chosen")]}.`); },
    "change:grid": () => {
      grid = model.get("grid");
      cursor = 0;
      setUp();
      arrange(inOrder(grid * grid), `Cut into ${grid} by ${grid} tiles.`);
    },
    "change:order": () => {
      const given = model.get("order");
      if (!telling && given.length === grid * grid) arrange(given, "Arranged.");
    },
  };
  const deafen = listen(model, hear);
  setUp();
  look(`This is ${names[model.get("chosen")]}.`);
  hand.say("Drag one tile onto another, or tap one and then the other.");
  return deafen;
}

export default widget("jigsaw", "Swap the tiles of a picture", start, { networkOf });
