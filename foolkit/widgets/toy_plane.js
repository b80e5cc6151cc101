// The toy plane: five models of the same few points, painted as far out as the reader likes.
// @ts-check

import { barRow } from "./bars.js";
import { CLASS_COLOURS, percent } from "./confidence.js";
import { arrowStep, isShortcut } from "./keys.js";
import { indexOfLargest } from "./numbers.js";
import { announcement, button, element, newId, slider } from "./page.js";
import { pen } from "./pictures.js";
import { Random } from "./random.js";
import { TOY_MODELS, toNearest, train } from "./toy.js";
import { listen, widget } from "./widget.js";
import { inSlices } from "./work.js";

/** @import { Point, ToyModel } from "./toy.js" */
/** @import { Start } from "./widget.js" */
/**
 * @typedef {object} Traits as the Python class has them
 * @property {string} model
 * @property {Point[]} points
 * @property {Point[]} first
 * @property {number[]} probe
 * @property {number} zoom
 * @property {number} seed
 * @property {number} answer
 * @property {number[]} confidence
 */

const SPAN = 3; // the plane from -SPAN to SPAN at zoom 1
const STEP = 0.15; // of an arrow key, at zoom 1
const FINE = 72, LETTERS = 7; // colours and letters across the picture
const NAMES = ["A", "B", "C"];
const TINTS = [CLASS_COLOURS[0], CLASS_COLOURS[1], CLASS_COLOURS[4]]
  .map((colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)));

/** @param {Start<Traits>} start */
function start({ model, root }) {
  let points = model.get("points").map((point) => [...point]);
  let aim = [...model.get("probe")]; // the probe at zoom 1; it moves outwards with the zoom
  /** @type {Record<string, ToyModel>} */
  let trained = {};
  let run = 0, ready = false, seed = model.get("seed");
  const zoom = () => model.get("zoom");
  const probe = () => aim.map((at) => at * zoom());

  // ---- the picture ----
  const canvas = element("canvas", { width: 360, height: 360, class: "fk-picture", "aria-hidden": "true" });
  const pad = element("div", {
    class: "fk-pad fk-plane", tabindex: 0, role: "application", "aria-roledescription": "plane",
    "aria-label": "Plane with points of three classes. Arrow keys move the probe; A, B or C puts a "
      + "point of that class there; Delete takes the nearest point away.",
  }, canvas);

  function draw() {
    const context = pen(canvas), side = canvas.width, unit = side / (2 * SPAN * zoom());
    const style = getComputedStyle(root), paper = (style.backgroundColor.match(/\d+/g) ?? []).map(Number);
    const place = (/** @type {number[]} */ [x, y]) => [side / 2 + x * unit, side / 2 - y * unit];
    /**
     * @param {number} across
     * @param {number} down
     * @param {number} cells
     */
    const point = (across, down, cells) => [
      (2 * (across + 0.5) / cells - 1) * SPAN * zoom(), (1 - 2 * (down + 0.5) / cells) * SPAN * zoom()];
    const chosen = trained[model.get("model")], cell = side / FINE;
    context.clearRect(0, 0, side, side);
    for (let down = 0; chosen && down < FINE; down++) {
      for (let across = 0; across < FINE; across++) {
        const sure = chosen.confidences(point(across, down, FINE)), answer = indexOfLargest(sure);
        const rgb = TINTS[answer].map((ink, n) => Math.round(paper[n] + 0.75 * sure[answer] * (ink - paper[n])));
        context.fillStyle = `rgb(${rgb})`;
        context.fillRect(across * cell, down * cell, cell + 0.5, cell + 0.5);
      }
    }
    context.fillStyle = context.strokeStyle = style.color;
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (let down = 0; chosen && down < LETTERS; down++) { // as large as the confidence
      for (let across = 0; across < LETTERS; across++) {
        const at = point(across, down, LETTERS), sure = chosen.confidences(at), answer = indexOfLargest(sure);
        context.font = `${(18 * sure[answer]).toFixed(1)}px sans-serif`;
        const [left, top] = place(at);
        if (sure[answer] > 0.25) context.fillText(NAMES[answer], left, top);
      }
    }
    for (const [x, y, label] of points) {
      const [left, top] = place([x, y]), r = 5;
      context.beginPath();
      if (label === 0) context.arc(left, top, r, 0, 2 * Math.PI);
      else if (label === 1) context.rect(left - r, top - r, 2 * r, 2 * r);
      else {
        context.moveTo(left, top - r - 1);
        context.lineTo(left + r + 1, top + r);
        context.lineTo(left - r - 1, top + r);
        context.closePath();
      }
      context.fillStyle = `rgb(${TINTS[label]})`;
      context.fill();
      context.lineWidth = 1.5;
      context.stroke();
    }
    const [left, top] = place(probe());
    context.lineWidth = 2.5;
    context.beginPath();
    context.arc(left, top, 9, 0, 2 * Math.PI);
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(left + 5 * dx, top + 5 * dy);
      context.lineTo(left + 14 * dx, top + 14 * dy);
    }
    context.stroke();
  }

  // ---- what the models say at the probe ----
  const status = announcement();
  const where = element("p", { class: "fk-title" });
  const group = newId(); // one group of radio buttons a widget
  const rows = Object.entries(TOY_MODELS).map(([name, { label }]) => {
    const pick = element("input", { type: "radio", name: group, value: name });
    pick.addEventListener("change", () => choose(name));
    return { name, pick, row: barRow(element("label", {}, pick, ` ${label}`)) };
  });

  /** @param {boolean} aloud */
  function look(aloud) {
    draw();
    const at = probe(), away = toNearest(at, points), name = model.get("model");
    const distance = away === Infinity ? "no point is left" : `${away.toPrecision(3)} from the nearest point`;
    where.textContent = `What each says at the cross, ${distance}`;
    for (const { name: its, pick, row } of rows) {
      const marked = its === name;
      pick.checked = marked;
      const sure = trained[its]?.confidences(at) ?? [0, 0, 0], answer = indexOfLargest(sure);
      row.show({
        share: sure[answer], colour: `rgb(${TINTS[answer]})`, marked,
        text: `${NAMES[answer]} ${percent(sure[answer])}`,
      });
      if (marked && ready) {
        if (aloud) {
          status.say(`${TOY_MODELS[name].label}: ${NAMES[answer]} with ${percent(sure[answer])}, ${distance}.`);
        }
        tell(sure, answer);
      }
    }
  }
  /**
   * @param {number[]} sure
   * @param {number} answer
   */
  function tell(sure, answer) {
    model.set("confidence", Array.from(sure));
    model.set("answer", answer);
    model.save_changes();
  }

  // ---- training: all five, in slices ----
  function* lessons() {
    const random = new Random(seed);
    for (const [name, { make }] of Object.entries(TOY_MODELS)) {
      const pupil = make(points, random);
      yield* train(pupil, points);
      trained = { ...trained, [name]: pupil };
      yield name;
    }
  }
  async function retrain() {
    const mine = ++run;
    ready = false;
    delete root.dataset.trained;
    status.say("Training …");
    draw();
    await inSlices(lessons(), () => mine === run);
    if (mine !== run) return;
    ready = true;
    look(true);
    root.dataset.trained = "true";
  }

  // ---- changes ----
  /** @type {typeof model.set} */
  const save = (name, value) => { model.set(name, value); model.save_changes(); };
  /** @param {string} name */
  function choose(name) { save("model", name); look(true); }
  /** @param {number[]} to */
  function moved(to, aloud = true) {
    aim = to.map((at) => Math.min(SPAN, Math.max(-SPAN, at)));
    save("probe", aim);
    look(aloud && ready);
  }
  /** @param {Point[]} next */
  function changed(next) { points = next; save("points", points); retrain(); }
  /** @param {number} label */
  function put(label, at = probe()) {
    if (points.length >= 200) { status.say("200 points are enough."); return; }
    changed([...points, [...at, label]]);
  }
  function take() {
    const at = probe(), away = points.map(([x, y]) => Math.hypot(x - at[0], y - at[1]));
    if (points.length) changed(points.filter((_, n) => n !== away.indexOf(Math.min(...away))));
  }

  /** @type {Point | "probe" | null} */
  let held = null; // the point, or "probe", that the mouse or finger drags
  /** @param {PointerEvent} event */
  const here = (event) => {
    const box = canvas.getBoundingClientRect(), reach = SPAN * zoom();
    return [(2 * (event.clientX - box.left) / box.width - 1) * reach,
      (1 - 2 * (event.clientY - box.top) / box.height) * reach];
  };
  pad.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    pad.setPointerCapture(event.pointerId);
    const at = here(event), grip = 0.2 * zoom();
    const found = points.find(([x, y]) => Math.hypot(x - at[0], y - at[1]) < grip);
    held = found ?? "probe";
    if (held === "probe") moved(at.map((v) => v / zoom()), false);
  });
  pad.addEventListener("pointermove", (event) => {
    if (!held) return;
    const at = here(event);
    if (held === "probe") moved(at.map((v) => v / zoom()), false);
    else { [held[0], held[1]] = at; draw(); }
  });
  for (const end of ["pointerup", "pointercancel"]) {
    pad.addEventListener(end, () => {
      if (held === "probe") look(ready);
      else if (held) changed(points.map((point) => [...point]));
      held = null;
    });
  }
  pad.addEventListener("keydown", (event) => {
    if (isShortcut(event)) return;
    const label = NAMES.indexOf(event.key.toUpperCase()), arrow = arrowStep(event);
    if (arrow) moved([aim[0] + STEP * arrow[0], aim[1] - STEP * arrow[1]]);
    else if (label >= 0) put(label);
    else if (event.key === "Delete" || event.key === "Backspace") take();
    else return;
    event.preventDefault();
  });

  /** @param {number} log */
  const format = (log) => `×${10 ** log >= 10 ? Math.round(10 ** log) : (10 ** log).toFixed(1)}`;
  const walk = slider("walk away", {
    min: 0, max: 4, step: 0.1, value: Math.log10(zoom()), format,
  }, (log) => { save("zoom", 10 ** log); look(ready); });
  root.append(
    element("div", { class: "fk-columns fk-toy-columns" },
      element("div", {}, pad, walk.node),
      element("div", {}, where,
        element("ul", {
          class: "fk-bars fk-models", role: "list", "aria-label": "Models, and their confidence at the cross",
        },
          ...rows.map(({ row }) => row.node)),
        element("div", { class: "fk-row", role: "group", "aria-label": "Change the points" },
          ...NAMES.map((name, label) => button(`put ${name}`, () => put(label))),
          button("take nearest", take)),
        element("div", { class: "fk-row" },
          button("Train again", () => { seed = (seed + 1) % 1_000_000; save("seed", seed); retrain(); }),
          button("First points", () => changed(model.get("first").map((point) => [...point])))))),
    status.node);

  /**
   * @param {number[] | Point[]} a
   * @param {number[] | Point[]} b
   */
  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
  const hear = { // what Python sets
    "change:model": () => look(ready),
    "change:zoom": () => { walk.set(Math.log10(zoom())); look(ready); },
    "change:probe": () => { if (!same(aim, model.get("probe"))) { aim = [...model.get("probe")]; look(ready); } },
    "change:points": () => {
      if (!same(points, model.get("points"))) { points = model.get("points").map((p) => [...p]); retrain(); }
    },
    "change:seed": () => { if (seed !== model.get("seed")) { seed = model.get("seed"); retrain(); } },
  };
  const deafen = listen(model, hear);
  const theme = new MutationObserver(draw); // the book's switch between light and dark
  theme.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  retrain();
  return () => {
    run += 1;
    theme.disconnect();
    deafen();
  };
}

export default widget("toy", "Five models of points in the plane", start);
