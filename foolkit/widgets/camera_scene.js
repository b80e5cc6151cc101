// A camera that looks for faces: the reader drags a square through its frame.
// @ts-check

import { percent } from "./confidence.js";
import { planes } from "./convolutions.js";
import { faceNetworkOf, facesAmong, proposals, WINDOW, windowsOf } from "./face_detector.js";
import { arrowStep, isShortcut } from "./keys.js";
import { breedOne } from "./one_goal.js";
import { announcement, button, element, labelled, menu, slider } from "./page.js";
import { pen } from "./pictures.js";
import { Pixels } from "./pixels.js";
import { ofSide } from "./resizing.js";
import { seedField } from "./seed_field.js";
import { listen, widget } from "./widget.js";
import { inSlices, nextFrame } from "./work.js";

/** @import { Planes } from "./convolutions.js" */
/** @import { Box, FaceNetwork } from "./face_detector.js" */
/** @import { Champion } from "./one_goal.js" */
/** @import { Start } from "./widget.js" */
/**
 * @typedef {object} Traits as the Python class has them
 * @property {number[][]} room
 * @property {string[]} names
 * @property {DataView[]} squares
 * @property {number} chosen
 * @property {number} left
 * @property {number} top
 * @property {number} side
 * @property {number} seed
 * @property {boolean} running
 * @property {number[][]} found
 * @property {number[][]} faces
 * @property {number} surest
 * @property {DataView} bred
 * @property {number} own
 */

const WIDTH = 240, HEIGHT = 160, SHOWN = 3; // the frame, and how much larger it is drawn
const SMALLEST = 20, LARGEST = 112, STEP = 2, LEAP = 10; // pixels
const UNTIL = 0.999; // confidence at which breeding ends
const RESTED = 250, PAUSE = 500; // milliseconds until the square rests; between two pictures of what is bred
const BRED = "noise bred here";

/** @param {DataView} bytes plane by plane */
function squareOf(bytes) {
  const side = Math.round(Math.sqrt(bytes.byteLength / 3)), square = planes(3, side, side);
  for (let i = 0; i < square.values.length; i++) square.values[i] = bytes.getUint8(i) / 255;
  return square;
}

/** @param {Start<Traits, FaceNetwork>} start */
function start({ model, root, net, nets }) {
  let ended = false, waiting = false, restTimer = 0, looks = 0, run = 0;
  const initial = /** @type {const} */ (["chosen", "left", "top", "side"])
    .map((name) => /** @type {const} */ ([name, model.get(name)]));

  // ---- the frame ----
  const room = planes(3, WIDTH, HEIGHT);
  for (const [left, top, right, bottom, ...colour] of model.get("room")) {
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) {
        colour.forEach((level, c) => { room.values[(c * HEIGHT + y) * WIDTH + x] = level / 255; });
      }
    }
  }
  const current = () => [...model.get("squares"), model.get("bred")][model.get("chosen")];
  // The room with the square in it, in 8 bits: what is judged is what is shown.
  function frame() {
    const made = { ...room, values: room.values.slice() };
    const side = model.get("side"), square = ofSide(squareOf(current()), side);
    const right = Math.min(side, WIDTH - model.get("left")), below = Math.min(side, HEIGHT - model.get("top"));
    for (let c = 0; c < 3; c++) {
      for (let y = 0; y < below; y++) {
        const at = (c * HEIGHT + model.get("top") + y) * WIDTH + model.get("left"), from = (c * side + y) * side;
        for (let x = 0; x < right; x++) made.values[at + x] = Math.round(255 * square.values[from + x]) / 255;
      }
    }
    return made;
  }

  // ---- what is seen ----
  const picture = element("canvas", {
    width: SHOWN * WIDTH, height: SHOWN * HEIGHT, "aria-hidden": "true", class: "fk-frame" });
  const pad = element("div", {
    class: "fk-scene", tabindex: 0, role: "application", "aria-roledescription": "frame of a camera",
    "aria-label": `Frame of ${WIDTH} by ${HEIGHT} pixels with a square in it. Arrow keys move the square, `
      + "with Shift further; plus and minus change its size.",
  }, picture);
  const status = announcement(), told = element("p", { class: "fk-title" }), progress = element("p");
  const decided = element("p", { class: "fk-title" });
  /** @type {HTMLCanvasElement} */
  const small = element("canvas", { width: WIDTH, height: HEIGHT });

  /**
   * @param {Planes} seen
   * @param {Box[]} proposed with thin lines
   * @param {Box[]} faces with thick lines
   */
  function draw({ values }, proposed, faces) {
    const data = new ImageData(WIDTH, HEIGHT), context = pen(picture);
    for (let i = 0; i < WIDTH * HEIGHT; i++) {
      for (let c = 0; c < 3; c++) data.data[4 * i + c] = Math.round(255 * values[c * WIDTH * HEIGHT + i]);
      data.data[4 * i + 3] = 255;
    }
    pen(small).putImageData(data, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(small, 0, 0, SHOWN * WIDTH, SHOWN * HEIGHT);
    context.setLineDash([]);
    /**
     * @param {Box} box
     * @param {string} colour
     * @param {number} width
     */
    const line = ({ left, top, right, bottom }, colour, width) => {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.strokeRect(SHOWN * left, SHOWN * top, SHOWN * (right - left), SHOWN * (bottom - top));
    };
    for (const [colour, dash] of /** @type {[string, number[]][]} */ ([["#000", []], ["#fff", [5, 5]]])) {
      context.setLineDash(dash);
      for (const box of proposed) line(box, colour, 1.5);
    }
    context.setLineDash([]);
    context.font = "bold 20px sans-serif";
    for (const box of faces) {
      const words = percent(box.score), x = SHOWN * box.left, y = Math.min(SHOWN * box.bottom + 22, SHOWN * HEIGHT - 6);
      line(box, "#000", 9);
      line(box, "#ffd500", 5);
      context.strokeStyle = "#000";
      context.lineWidth = 4;
      context.strokeText(words, x, y);
      context.fillStyle = "#ffd500";
      context.fillText(words, x, y);
    }
  }
  /** @param {Box} box */
  function onSquare({ left, top, right, bottom }) {
    const x = (left + right) / 2 - model.get("left"), y = (top + bottom) / 2 - model.get("top");
    return Math.min(x, y) > 0 && Math.max(x, y) < model.get("side");
  }
  const rows = (/** @type {Box[]} */ boxes) =>
    boxes.map(({ left, top, right, bottom, score }) => [left, top, right, bottom, score]);
  // The first network looks at the frame as it is now; the others once the square rests.
  function look() {
    const mine = ++looks, seen = frame(), windows = windowsOf(net, seen), boxes = proposals(windows);
    const there = boxes.filter(onSquare);
    const surest = windows.flat().filter(onSquare).reduce((most, { score }) => Math.max(most, score), 0);
    draw(seen, boxes, []);
    const others = boxes.length - there.length;
    told.textContent = there.length
      ? `Proposed as a face: ${there.length} ${there.length === 1 ? "box" : "boxes"} on the square, `
        + `the surest with ${percent(there[0].score)}.`
      : `No box on the square: its surest window has ${percent(surest)}, and a box needs 60 %.`;
    if (others) told.textContent += ` Elsewhere: ${others}.`;
    decided.textContent = "All three networks: …";
    clearTimeout(restTimer);
    restTimer = setTimeout(() => inSlices(facesAmong(nets, seen, boxes), (latest, done) => {
      if (mine !== looks) return false;
      if (done && latest) decide(seen, boxes, latest);
      return true;
    }), RESTED);
    model.set("found", rows(boxes));
    model.set("faces", []);
    model.set("surest", surest);
    model.save_changes();
  }
  /**
   * @param {Planes} seen
   * @param {Box[]} boxes
   * @param {Box[]} faces
   */
  function decide(seen, boxes, faces) {
    const there = faces.filter(onSquare);
    draw(seen, boxes, faces);
    const said = there.length ? `a face on the square, ${percent(there[0].score)}` : "no face on the square";
    const others = faces.length - there.length;
    decided.textContent = `All three networks: ${said}${others ? `; elsewhere ${others}` : ""}.`;
    model.set("faces", rows(faces));
    model.save_changes();
    if (model.get("running")) return;
    status.node.classList.add("fk-heard"); // it is read out, and stands above already
    const what = `${nameOf(model.get("chosen"))}, ${model.get("side")} pixels wide.`;
    status.say(`${what} ${told.textContent} ${decided.textContent}`);
  }
  async function lookSoon() { // once a frame of the screen, whatever happens in between
    if (waiting) return;
    waiting = true;
    await nextFrame();
    waiting = false;
    if (!ended) look();
  }

  // ---- moving ----
  const within = (/** @type {number} */ value, /** @type {number} */ low, /** @type {number} */ high) =>
    Math.round(Math.min(high, Math.max(low, value)));
  /**
   * @param {number} left
   * @param {number} top
   * @param {number} [side]
   */
  function place(left, top, side = model.get("side")) {
    const wide = within(side, SMALLEST, LARGEST);
    model.set("side", wide);
    model.set("left", within(left, 0, WIDTH - wide));
    model.set("top", within(top, 0, HEIGHT - wide));
    model.save_changes();
    size.set(wide);
    lookSoon();
  }
  const resize = (/** @type {number} */ side) => { // about its middle
    const less = (model.get("side") - side) / 2;
    place(model.get("left") + less, model.get("top") + less, side);
  };
  /** @type {[number, number] | null} */
  let held = null; // where in the square it was taken
  /** @param {PointerEvent} event */
  const at = (event) => {
    const box = picture.getBoundingClientRect();
    return [WIDTH * (event.clientX - box.left) / box.width, HEIGHT * (event.clientY - box.top) / box.height];
  };
  pad.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    pad.setPointerCapture(event.pointerId);
    const [x, y] = at(event), side = model.get("side");
    const inside = onSquare({ left: x, right: x, top: y, bottom: y, score: 0 });
    held = inside ? [x - model.get("left"), y - model.get("top")] : [side / 2, side / 2];
    place(x - held[0], y - held[1]);
  });
  pad.addEventListener("pointermove", (event) => {
    if (!held) return;
    const [x, y] = at(event);
    place(x - held[0], y - held[1]);
  });
  for (const end of ["pointerup", "pointercancel"]) pad.addEventListener(end, () => { held = null; });
  pad.addEventListener("keydown", (event) => {
    if (isShortcut(event)) return;
    const arrow = arrowStep(event);
    if (arrow) {
      const [dx, dy] = arrow.map((step) => step * (event.shiftKey ? LEAP : STEP));
      place(model.get("left") + dx, model.get("top") + dy);
    } else if (event.key === "+" || event.key === "-") resize(model.get("side") + (event.key === "+" ? STEP : -STEP));
    else return;
    event.preventDefault();
  });

  // ---- breeding ----
  /** @type {Champion<Float32Array> | undefined} */
  let best;
  /** @param {Champion<Float32Array>} best */
  function hang({ genes, confidence }) {
    const levels = Uint8Array.from(genes, (gene) => Math.floor(255 * gene));
    model.set("own", confidence);
    model.set("bred", new DataView(levels.buffer));
    set("chosen", model.get("names").length);
    showChoice();
    lookSoon();
  }
  async function breed() {
    const mine = ++run, encoding = new Pixels({ count: 3 * WINDOW * WINDOW });
    let drawn = -PAUSE;
    best = undefined;
    status.node.classList.remove("fk-heard");
    status.say("Breeding a square for one window of the network …");
    await inSlices(breedOne(net, { encoding, goal: 1, until: UNTIL, seed: model.get("seed") }), (latest) => {
      if (mine !== run) return false;
      best = latest ?? best;
      if (!best) return true;
      progress.textContent = `generation ${best.generation}: ${percent(best.confidence)} in its own window`;
      if (performance.now() - drawn > PAUSE) {
        drawn = performance.now();
        hang(best);
      }
      return true;
    });
    if (mine === run) set("running", false);
  }
  function turn() {
    go.textContent = model.get("running") ? "Stop" : "Breed one here";
    if (model.get("running")) breed();
    else {
      run++;
      if (best) hang(best); // which says the result
    }
  }

  // ---- controls ----
  /** @type {typeof model.set} */
  function set(name, value) {
    model.set(name, value);
    model.save_changes();
  }
  const nameOf = (/** @type {number} */ n) => [...model.get("names"), BRED][n];
  const choice = menu(model.get("names").map((name, n) => [n, name]), (value) => set("chosen", Number(value)));
  function showChoice() { // what was bred here is offered once it is there
    const own = model.get("names").length;
    if (model.get("bred").byteLength && choice.options.length === own) {
      choice.append(element("option", { value: own }, BRED));
    }
    choice.value = String(model.get("chosen"));
  }
  const size = slider("its side ", {
    min: SMALLEST, max: LARGEST, step: 1, value: model.get("side"), format: (value) => `${value} pixels`,
  }, resize);
  const go = button("Breed one here", () => set("running", !model.get("running")));
  const seed = seedField(model, { say: (text) => {
    status.node.classList.remove("fk-heard");
    status.say(text);
  } });
  const reset = button("Reset", () => {
    set("running", false);
    for (const [name, value] of initial) model.set(name, value);
    model.save_changes();
    pad.focus();
  });
  root.append(
    element("div", { class: "fk-row" }, labelled("what hangs there ", choice), size.node, reset), pad, told, decided,
    element("div", { class: "fk-row" }, go, seed.node), progress, status.node,
    element("p", { class: "fk-note" }, "Dashed: what the proposal network proposes, at every place and six sizes of "
      + "every frame. Yellow: what the refine and the output network call a face, too; they look once the square "
      + "rests. What is bred here is bred for one window of the proposal network, as it is, and not for every place "
      + "and size."));

  // ---- what it hears ----
  const moved = () => {
    size.set(model.get("side"));
    showChoice();
    lookSoon();
  };
  const deafen = listen(model, {
    "change:running": turn, "change:seed": () => seed.show(),
    ...Object.fromEntries(["chosen", "left", "top", "side"].map((name) => [`change:${name}`, moved])),
  });
  showChoice();
  look();
  if (model.get("running")) turn();
  return () => {
    ended = true;
    run++;
    looks++;
    clearTimeout(restTimer);
    deafen();
  };
}

export default widget("camera", "Hang a square into the frame of a camera", start, { networkOf: faceNetworkOf });
