// A slice through image space, coloured by the network: pan, zoom, and look at any point of it.
// @ts-check

import { confidenceBars } from "./bars.js";
import { CLASS_COLOURS, percent } from "./confidence.js";
import { adversarialWays } from "./deepfool.js";
import { arrowStep, isShortcut } from "./keys.js";
import { networkOf } from "./network.js";
import { indexOfLargest } from "./numbers.js";
import { announcement, button, element, labelled, menu } from "./page.js";
import { fromBytes, paint, pen, picture, toBytes } from "./pictures.js";
import { PlaneMap, gaussians, imageAt, perpendicular } from "./plane.js";
import { Random } from "./random.js";
import { listen, widget } from "./widget.js";
import { inSlices } from "./work.js";

/** @import { DigitNetwork } from "./network.js" */
/** @import { Way } from "./deepfool.js" */
/** @import { Cell } from "./plane.js" */
/** @import { Start } from "./widget.js" */
/**
 * @typedef {object} Traits as the Python class has them
 * @property {DataView} image
 * @property {DataView} samples
 * @property {DataView} axes
 * @property {string} directions
 * @property {boolean} clip
 * @property {number} seed
 * @property {number} reach
 * @property {number[]} point
 * @property {number} answer
 * @property {number[]} confidence
 */

const EMPTY = { cell: 1, left: 0, bottom: 0 }; // where there is no map yet
const CELLS = 48; // judged images along each side of the map
const DOTS = 10; // canvas pixels along each side of a cell
const NEAREST = 0.5, FURTHEST = 60; // limits of what is seen to each side, in units of length
const SURE = 0.9; // below it a cell is hatched

/** @param {Start<Traits, DigitNetwork>} start */
function start({ model, root, net }) {
  /** @type {PlaneMap | null} */
  let map = null; // the plane being shown; null while its directions are sought
  let names = ["", ""]; // what the two directions are, in words
  let work = 0; // which computation is the current one; a newer one ends an older one
  let middle = { x: 0, y: 0 }, reach = model.get("reach"), point = { x: 0, y: 0 };
  let told = 0; // timer of what is said and told to Python, once the point rests

  // ---- what is seen ----
  const side = CELLS * DOTS;
  const canvas = element("canvas", { width: side, height: side, role: "img", "aria-label": "The map" });
  const pad = element("div", {
    class: "fk-map", tabindex: 0, role: "application", "aria-roledescription": "map",
    "aria-label": "Map of a plane through image space. Arrow keys move the cross, with Shift the "
      + "map; plus and minus zoom; Home goes back to the digit.",
  }, canvas);
  const cells = document.createElement("canvas"); // a pixel a cell
  cells.width = cells.height = CELLS;
  const scale = element("p", { class: "fk-note" });
  const here = picture("The image at the cross"), hereText = element("p");
  const bars = confidenceBars("The network's confidence in each digit at the cross");
  const status = announcement();

  /**
   * @param {number} x
   * @param {number} y
   */
  const toDots = (x, y) => { // from the plane to the canvas
    const { cell, left, bottom } = map ?? EMPTY;
    return [(x / cell - left) * DOTS, side - (y / cell - bottom) * DOTS];
  };
  /** @param {{ clientX: number, clientY: number }} event */
  const toPlane = (event) => {
    const box = canvas.getBoundingClientRect();
    const across = CELLS * (event.clientX - box.left) / box.width;
    const up = CELLS * (box.bottom - event.clientY) / box.height;
    const { cell, left, bottom } = map ?? EMPTY;
    return { x: (left + across) * cell, y: (bottom + up) * cell };
  };

  const CHANNELS = CLASS_COLOURS.map((colour) => [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16)));
  function draw() {
    if (!map) return;
    const context = pen(canvas), small = pen(cells);
    const data = small.createImageData(CELLS, CELLS);
    const hatch = new Path2D(), border = new Path2D();
    for (let row = 0; row < CELLS; row++) {
      for (let column = 0; column < CELLS; column++) {
        const found = map.nearest(column, row);
        if (!found) continue;
        // the surer, the stronger: from 10 % (pale) to 100 % (full)
        const strength = 0.15 + 0.85 * Math.max(0, (found.confidence - 0.1) / 0.9) ** 1.5;
        const at = 4 * ((CELLS - 1 - row) * CELLS + column);
        const left = column * DOTS, right = left + DOTS;
        const top = (CELLS - 1 - row) * DOTS, bottom = top + DOTS;
        CHANNELS[found.answer].forEach((value, i) => {
          data.data[at + i] = 255 - strength * (255 - value);
        });
        data.data[at + 3] = 255;
        /**
         * @param {Path2D} path
         * @param {[number, number, number, number]} ends
         */
        const line = (path, ...ends) => { path.moveTo(ends[0], ends[1]); path.lineTo(ends[2], ends[3]); };
        /** @param {Cell | undefined} other */
        const differs = (other) => other && other.answer !== found.answer;
        if (found.confidence < SURE) line(hatch, left, bottom, right, top);
        if (column + 1 < CELLS && differs(map.nearest(column + 1, row))) line(border, right, top, right, bottom);
        if (row + 1 < CELLS && differs(map.nearest(column, row + 1))) line(border, left, top, right, top);
      }
    }
    small.putImageData(data, 0, 0);
    context.imageSmoothingEnabled = false;
    context.clearRect(0, 0, side, side);
    context.drawImage(cells, 0, 0, side, side);
    context.strokeStyle = "#00000088";
    context.lineWidth = 1;
    context.stroke(hatch);
    context.strokeStyle = "#000";
    context.lineWidth = 2.5;
    context.stroke(border);
    drawLabels(context, map);
    drawMark(context, toDots(0, 0), (path, x, y) => path.arc(x, y, 9, 0, 7));
    drawMark(context, toDots(point.x, point.y), (path, x, y) => {
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        path.moveTo(x + 6 * dx, y + 6 * dy);
        path.lineTo(x + 24 * dx, y + 24 * dy);
      }
    });
  }
  /**
   * @param {CanvasRenderingContext2D} context
   * @param {PlaneMap} shown
   */
  function drawLabels(context, shown) {
    context.font = "bold 34px sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    for (const { answer, depth, column, row } of shown.regions()) {
      if (depth < 3) continue; // too narrow for its name
      const x = Math.min(side - 18, Math.max(18, (column + 0.5) * DOTS));
      const y = Math.min(side - 20, Math.max(20, side - (row + 0.5) * DOTS));
      outlined(context, () => context.strokeText(String(answer), x, y), 7);
      context.fillStyle = "#000";
      context.fillText(String(answer), x, y);
    }
  }
  /**
   * @param {CanvasRenderingContext2D} context
   * @param {() => void} stroke
   * @param {number} width
   */
  function outlined(context, stroke, width) {
    context.strokeStyle = "#fff";
    context.lineWidth = width;
    stroke();
  }
  /**
   * @param {CanvasRenderingContext2D} context
   * @param {number[]} place
   * @param {(path: Path2D, x: number, y: number) => void} shape
   */
  function drawMark(context, [x, y], shape) { // black on white: seen on every colour
    const path = new Path2D();
    shape(path, x, y);
    outlined(context, () => context.stroke(path), 7);
    context.strokeStyle = "#000";
    context.lineWidth = 3;
    context.stroke(path);
  }

  /** @param {PlaneMap} map */
  function lookHere(map) { // the image at the cross, and what the network says of it
    const image = imageAt(map.plane, point.x, point.y, new Float64Array(784));
    const confidences = net.confidences(image), answer = indexOfLargest(confidences);
    const sure = percent(confidences[answer]);
    paint(here, image.map((value) => Math.min(1, Math.max(0, value))));
    here.setAttribute("aria-label", `The image at the cross; the network says ${answer}, ${sure}`);
    hereText.textContent = `“${answer}”, ${sure}`;
    bars.show(confidences);
    return { answer, confidences, sure, outside: image.some((value) => value < 0 || value > 1) };
  }
  /** @param {number} value */
  const distance = (value) => Math.abs(value).toFixed(2);
  function describePoint() {
    if (!map) return;
    const { answer, confidences, sure, outside } = lookHere(map), { x, y } = point;
    const way = x === 0 && y === 0 ? "At the digit itself" : `${distance(x)} to the `
      + `${x < 0 ? "left" : "right"} and ${distance(y)} ${y < 0 ? "down" : "up"} from the digit`;
    status.say(`${way} the network says ${answer}, with ${sure} confidence.`
      + (outside ? " Some pixels lie beyond black or white there, and are shown as black or white." : ""));
    model.set("point", [x, y]);
    model.set("reach", reach);
    model.set("answer", answer);
    model.set("confidence", Array.from(confidences));
    model.save_changes();
  }
  function rested() { // say it once the moving has stopped, not at every step
    clearTimeout(told);
    told = setTimeout(describePoint, 250);
  }
  /** @param {PlaneMap} map */
  function describeMap(map) {
    const counts = new Array(10).fill(0);
    for (const { answer, cells: n } of map.regions()) counts[answer] += n;
    const shares = counts.map((count, digit) => ({ digit, share: count / CELLS ** 2 }))
      .filter(({ share }) => share > 0).sort((a, b) => b.share - a.share);
    canvas.setAttribute("aria-label", `Share of the map: ${shares.map(({ digit, share }) =>
      `${digit}, ${share < 0.01 ? "less than 1" : Math.round(100 * share)} %`).join("; ")}.`);
  }
  function describeScale() {
    scale.textContent = `To the right: ${names[0]}. Upwards: ${names[1]}. The map is ${(2 * reach).toFixed(1)} `
      + "wide, measured as the length of the change. ○ the digit, + what you look at. Thin lines: "
      + "less than 90 % sure; paler: less sure.";
  }

  // ---- computing, in slices ----
  async function compute() {
    if (!map) return;
    const shown = map, mine = ++work;
    shown.look(middle.x, middle.y, reach);
    describeScale();
    root.dataset.map = "filling";
    let drawn = 0;
    await inSlices(shown.fill(), (_, ended) => {
      if (mine !== work) return false;
      const now = performance.now();
      if (ended || now - drawn > 120) { drawn = now; draw(); }
      if (ended) { describeMap(shown); root.dataset.map = "full"; }
      return true;
    });
  }

  // The two directions that are asked for; the adversarial ones are looked for here.
  /**
   * @param {number} mine
   * @param {Float64Array} centre
   * @returns {Promise<{ axes: [Float64Array, Float64Array], names: string[] } | null>}
   */
  async function directions(mine, centre) {
    const kind = model.get("directions"), random = new Random(model.get("seed"));
    if (kind === "given") {
      const axes = model.get("axes");
      const numbers = Float64Array.from({ length: 1568 }, (_, i) => axes.getFloat32(4 * i, true));
      return {
        axes: [numbers.slice(0, 784), numbers.slice(784)],
        names: ["the first direction given", "the second one"],
      };
    }
    const first = gaussians(random), second = gaussians(random);
    /** @type {{ axes: [Float64Array, Float64Array], names: string[] }} */
    const atRandom = { axes: [first, second], names: ["a random direction", "another random one"] };
    if (kind === "two random") return atRandom;
    /** @type {Way[]} */
    let ways = [];
    await inSlices(adversarialWays(net, centre), (latest) => {
      ways = latest ?? ways;
      return mine === work;
    });
    if (mine !== work) return null;
    if (ways.length < 2) {
      status.say("No adversarial direction was found from here: these are random ones.");
      return atRandom;
    }
    const name = (/** @type {Way} */ { goal, length }) =>
      `adversarial, towards a ${goal}, whose border is ${length.toFixed(2)} away`;
    return kind === "two adversarial"
      ? { axes: [ways[0].change, ways[1].change], names: ways.slice(0, 2).map(name) }
      : { axes: [ways[0].change, first], names: [name(ways[0]), "a random direction"] };
  }

  async function start() { // anew: another digit, other directions, clipped or not
    const mine = ++work, centre = fromBytes(model.get("image"));
    root.dataset.map = "filling";
    const found = await directions(mine, centre);
    if (!found || mine !== work) return;
    const [u, v] = perpendicular(...found.axes) ?? [];
    if (!u) { status.say("The two directions are parallel: they span no plane."); return; }
    names = found.names;
    map = new PlaneMap(net, { centre, u, v, clip: model.get("clip") }, CELLS);
    describePoint();
    await compute();
  }
  function restart() {
    middle = { x: 0, y: 0 };
    point = { x: 0, y: 0 };
    return start();
  }

  // ---- moving ----
  /**
   * @param {number} value
   * @param {number} most
   */
  const within = (value, most) => Math.min(most, Math.max(-most, value));
  /**
   * @param {number} x
   * @param {number} y
   */
  function moveMap(x, y) {
    middle = { x: within(x, 200), y: within(y, 200) };
    compute();
  }
  /**
   * @param {number} x
   * @param {number} y
   */
  function movePoint(x, y) {
    point = { x: within(x, 200), y: within(y, 200) };
    /**
     * @param {number} value
     * @param {number} from
     */
    const off = (value, from) => (Math.abs(value - from) > 0.95 * reach ? value : from); // the map follows
    const next = { x: off(point.x, middle.x), y: off(point.y, middle.y) };
    if (map) lookHere(map);
    if (next.x !== middle.x || next.y !== middle.y) moveMap(next.x, next.y);
    else draw();
    rested();
  }
  /** @param {number} factor */
  function zoom(factor, around = point) { // what lies at `around` stays where it is
    const wanted = Math.min(FURTHEST, Math.max(NEAREST, reach * factor)), by = wanted / reach;
    if (by === 1) return;
    reach = wanted;
    moveMap(around.x + (middle.x - around.x) * by, around.y + (middle.y - around.y) * by);
    rested();
  }
  function reset() {
    reach = settings.reach;
    movePoint(0, 0);
    moveMap(0, 0);
    rested();
  }
  const settings = { reach: model.get("reach") }; // where Reset goes

  pad.addEventListener("keydown", (event) => {
    if (!map || isShortcut(event)) return;
    const arrow = arrowStep(event);
    if (arrow) {
      const [dx, dy] = [arrow[0] * reach / 16, -arrow[1] * reach / 16];
      if (event.shiftKey) moveMap(middle.x + 4 * dx, middle.y + 4 * dy);
      else movePoint(point.x + dx, point.y + dy);
    } else if (event.key === "+" || event.key === "=") zoom(1 / 1.5);
    else if (event.key === "-") zoom(1.5);
    else if (event.key === "Home") reset();
    else return;
    event.preventDefault();
  });
  pad.addEventListener("wheel", (event) => { // once the map has the focus: else the page scrolls
    if (!map || (document.activeElement !== pad && !event.ctrlKey)) return;
    event.preventDefault();
    zoom(1.0015 ** within(event.deltaY, 300), toPlane(event));
  }, { passive: false });

  /** @type {Map<number, PointerEvent>} */
  const fingers = new Map(); // pointers that are down: where each was last
  let moved = 0; // by how many pixels of the screen, since the first came down
  const spread = () => {
    const [a, b] = [...fingers.values()];
    return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
  };
  pad.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !map) return;
    if (!fingers.size) moved = 0;
    fingers.set(event.pointerId, event);
    pad.setPointerCapture(event.pointerId);
  });
  pad.addEventListener("pointermove", (event) => {
    const last = fingers.get(event.pointerId);
    if (!last || !map) return;
    const before = fingers.size === 2 ? spread() : 0, from = toPlane(last), to = toPlane(event);
    fingers.set(event.pointerId, event);
    moved += Math.hypot(event.clientX - last.clientX, event.clientY - last.clientY);
    if (fingers.size === 2) {
      const [a, b] = [...fingers.values()].map(toPlane);
      if (before > 0 && spread() > 0) zoom(before / spread(), { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
    } else if (fingers.size === 1 && moved > 4) {
      const cell = map.cell, x = middle.x + from.x - to.x, y = middle.y + from.y - to.y;
      // less than a cell is kept for the next move
      if (Math.round(x / cell - CELLS / 2) === map.left && Math.round(y / cell - CELLS / 2) === map.bottom) {
        middle = { x: within(x, 200), y: within(y, 200) };
      } else moveMap(x, y);
    }
  });
  for (const end of /** @type {const} */ (["pointerup", "pointercancel"])) {
    pad.addEventListener(end, (event) => {
      if (!fingers.delete(event.pointerId) || fingers.size || end === "pointercancel") return;
      if (moved <= 4) { const { x, y } = toPlane(event); movePoint(x, y); }
    });
  }

  // ---- controls ----
  const kinds = ["adversarial and random", "two adversarial", "two random",
    ...(model.get("axes").byteLength ? ["given"] : [])];
  const clip = element("input", { type: "checkbox" });
  /** @type {typeof model.set} */
  const set = (name, value) => { model.set(name, value); model.save_changes(); };
  const choice = menu(kinds.map((kind) => [kind, kind]), (value) => set("directions", value));
  clip.addEventListener("change", () => set("clip", clip.checked));
  const other = button("Other random ones", () => set("seed", (model.get("seed") + 1) % 1000000));
  const showSettings = () => {
    choice.value = model.get("directions");
    clip.checked = model.get("clip");
    other.disabled = !choice.value.includes("random");
  };
  const samples = element("div", { class: "fk-row", role: "group", "aria-label": "Start from a real digit" },
    element("span", {}, "start from a real digit:"),
    ...CLASS_COLOURS.map((_, digit) => button(String(digit),
      () => set("image", toBytes(fromBytes(model.get("samples"), digit))),
      { "aria-label": `a real ${digit}` })));

  root.append(
    element("div", { class: "fk-row" }, labelled("directions ", choice), other,
      labelled("keep pixels between black and white ", clip)),
    element("div", { class: "fk-columns fk-wide" },
      element("div", {}, pad, element("div", { class: "fk-row" },
        button("+", () => zoom(1 / 1.5), { "aria-label": "Zoom in" }),
        button("−", () => zoom(1.5), { "aria-label": "Zoom out" }), button("Reset", reset))),
      element("div", {}, here, hereText, bars.node)),
    status.node, scale, samples);

  // ---- Python may change things too ----
  const again = () => { showSettings(); start(); };
  const hear = {
    "change:image": () => { showSettings(); restart(); },
    "change:directions": again, "change:clip": again, "change:seed": again, "change:axes": again,
    "change:point": () => {
      const [x, y] = model.get("point");
      if (map && (x !== point.x || y !== point.y)) movePoint(x, y);
    },
    "change:reach": () => { if (map && model.get("reach") !== reach) zoom(model.get("reach") / reach); },
  };
  const deafen = listen(model, hear);
  [point.x, point.y] = model.get("point");
  showSettings();
  start();
  return () => {
    work++;
    clearTimeout(told);
    deafen();
  };
}

export default widget("slices", "A slice through image space", start, { networkOf });
