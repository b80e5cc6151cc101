// Put the parts of a face anywhere: two networks say whether it is still a face.
// @ts-check

import { barRow } from "./bars.js";
import { percent } from "./confidence.js";
import { faceNets } from "./face_network.js";
import { PARTS, WIDE, assembled, scrambledMoves, within } from "./face_parts.js";
import { arrowStep, isShortcut } from "./keys.js";
import { announcement, button, element, labelled, menu } from "./page.js";
import { paint } from "./pictures.js";
import { Random } from "./random.js";
import { listen, widget } from "./widget.js";

/** @import { Move } from "./face_parts.js" */
/** @import { FaceNet } from "./face_network.js" */
/** @import { Start } from "./widget.js" */
/**
 * @typedef {object} Traits as the Python class has them
 * @property {DataView} layers
 * @property {Move[][]} homes
 * @property {number} chosen
 * @property {string} lesson
 * @property {number} trained
 * @property {(Move | null)[]} moves
 * @property {number} seed
 * @property {number[]} confidence
 */

const HEADS = ["pooled", "whole"];
const REACH = 5; // pixels from a pointer within which a part is taken

/** @param {Start<Traits, Map<string, FaceNet>>} start */
function start({ model, root, net }) {
  const homes = model.get("homes"), random = new Random(model.get("seed"));
  let moves = model.get("moves"), part = 2, told = 0;
  /** @type {Float64Array[]} */
  let layers = [];
  /** @returns {Move[]} */
  const restored = () => PARTS.map(() => [0, 0]);

  // ---- what is seen ----
  const canvas = element("canvas", { width: WIDE, height: WIDE, class: "fk-picture", "aria-hidden": "true" });
  const frame = element("span", { class: "fk-brush", "aria-hidden": "true" });
  const pad = element("div", {
    class: "fk-pad", tabindex: 0, role: "application", "aria-roledescription": "face builder",
    "aria-label": "A drawn face. Keys 1 to 6 choose a part, arrow keys move it by a pixel, with "
      + "Shift by four; Delete takes it away, or puts it back.",
  }, canvas, frame);
  const rows = HEADS.map((head) => barRow(element("span", {}, `${head} network`)));
  const status = announcement();

  /** @param {number} which */
  const home = (which) => homes[model.get("chosen")][which];
  function show() { // returns what each network says, as confidence that it is a face
    const image = assembled(layers, moves);
    paint(canvas, image);
    const found = HEADS.map((head) =>
      net.get(`${head}/${model.get("lesson")}/${model.get("trained")}`)?.confidences(image)[1] ?? 0);
    found.forEach((sure, n) => rows[n].show({
      share: sure, marked: sure > 0.5, text: `${percent(sure)} ${sure > 0.5 ? "✓ a face" : "✗ no face"}`,
    }));
    const [x, y] = home(part), [dx, dy] = moves[part] ?? [0, 0], side = 9;
    frame.style.left = `${100 * ((x + dx + WIDE / 2) - side / 2) / WIDE}%`;
    frame.style.top = `${100 * ((y + dy + WIDE / 2) - side / 2) / WIDE}%`;
    frame.style.width = frame.style.height = `${100 * side / WIDE}%`;
    frame.hidden = !moves[part];
    choice.value = String(part);
    away.textContent = moves[part] ? "Take it away" : "Put it back";
    restore.disabled = moves.every((move) => move && move[0] === 0 && move[1] === 0);
    return found;
  }
  let telling = false; // what this page sets itself needs no second look
  /** @param {string} what */
  function tell(what) { // now to the eye; once the moving has stopped to the ear, and to Python
    show();
    root.dataset.told = "false";
    clearTimeout(told);
    told = setTimeout(() => {
      const found = show();
      status.say(`${what} ${HEADS.map((head, n) => `The ${head} network says: `
        + `${found[n] > 0.5 ? "a face" : "no face"}, with ${percent(Math.max(found[n], 1 - found[n]))} `
        + "confidence.").join(" ")}`);
      telling = true;
      model.set("moves", moves);
      model.set("confidence", found);
      telling = false;
      model.save_changes();
      root.dataset.told = "true";
    }, 200);
  }
  function where() { // the chosen part, in words
    const moved = moves[part];
    if (!moved) return `The ${PARTS[part]} is taken away.`;
    const [dx, dy] = moved, name = `The ${PARTS[part]}`;
    if (dx === 0 && dy === 0) return `${name} is in its place.`;
    const along = `${Math.abs(dx)} to the ${dx < 0 ? "left" : "right"}`;
    const down = `${Math.abs(dy)} ${dy < 0 ? "up" : "down"}`;
    return `${name} is ${[...(dx ? [along] : []), ...(dy ? [down] : [])].join(" and ")} of its place.`;
  }

  // ---- what can be done ----
  /**
   * @param {(Move | null)[]} next
   * @param {string} what
   */
  function arrange(next, what) {
    moves = next;
    tell(what);
  }
  /** @param {Move | null} to */
  function move(to) { // the chosen part, or null to take it away
    moves = moves.map((old, n) => (n === part ? to && within(home(n), to) : old));
    tell(where());
  }
  /** @param {number} which */
  function choose(which) {
    part = which;
    tell(where());
  }
  const toggle = () => move(moves[part] ? null : [0, 0]);

  // ---- pointer and keyboard ----
  /** @type {{ x: number, y: number, move: Move } | null} */
  let from = null; // of a drag: where it started, and the part's move then
  /** @param {PointerEvent} event */
  function at(event) {
    const box = canvas.getBoundingClientRect();
    /**
     * @param {number} value
     * @param {number} start
     * @param {number} length
     */
    const along = (value, start, length) => WIDE * (value - start) / length - WIDE / 2;
    return [along(event.clientX, box.left, box.width), along(event.clientY, box.top, box.height)];
  }
  pad.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const [x, y] = at(event);
    const gaps = moves.map((moved, which) => (moved
      ? Math.hypot(home(which)[0] + moved[0] - x, home(which)[1] + moved[1] - y) : Infinity));
    const nearest = PARTS.map((_, which) => which).sort((a, b) => gaps[a] - gaps[b])[0], moved = moves[nearest];
    if (!moved || gaps[nearest] > REACH) return;
    pad.setPointerCapture(event.pointerId);
    from = { x, y, move: moved };
    choose(nearest);
  });
  pad.addEventListener("pointermove", (event) => {
    if (!from) return;
    const [x, y] = at(event);
    move([from.move[0] + x - from.x, from.move[1] + y - from.y]);
  });
  for (const end of ["pointerup", "pointercancel"]) pad.addEventListener(end, () => { from = null; });

  pad.addEventListener("keydown", (event) => {
    if (isShortcut(event)) return;
    const arrow = arrowStep(event);
    if (arrow) {
      const [dx, dy] = arrow.map((step) => step * (event.shiftKey ? 4 : 1));
      const moved = moves[part];
      if (moved) move([moved[0] + dx, moved[1] + dy]);
    } else if ("123456".includes(event.key)) choose(Number(event.key) - 1);
    else if (event.key === "Delete" || event.key === "Backspace") toggle();
    else return;
    event.preventDefault();
  });

  // ---- controls ----
  /** @type {typeof model.set} */
  const set = (name, value) => { // Python's changes and the reader's start alike
    model.set(name, value);
    model.save_changes();
  };
  const choice = menu(PARTS.map((name, n) => [n, name]), (value) => choose(Number(value)));
  const face = menu(homes.map((_, n) => [n, `face ${n + 1}`]), (value) => set("chosen", Number(value)));
  const lesson = menu([["parts", "parts"], ["order", "parts and order"]], (value) => set("lesson", value));
  const trained = menu([0, 1, 2].map((n) => [n, `${n + 1} of 3`]), (value) => set("trained", Number(value)));
  const away = button("Take it away", toggle);
  const restore = button("Restore", () => {
    arrange(restored(), "All parts are in their places.");
    if (document.activeElement === document.body) pad.focus();
  });
  root.append(
    element("div", { class: "fk-columns" },
      element("div", {}, element("p", { class: "fk-title" }, "Move the parts"), pad),
      element("div", {}, element("p", { class: "fk-title" }, "Is it a face?"),
        element("ol", { class: "fk-bars fk-verdicts", "aria-label": "Confidence that it is a face", role: "list" },
          ...rows.map((row) => row.node)),
        element("div", { class: "fk-row" }, labelled("taught ", lesson), labelled("networks ", trained)),
        status.node)),
    element("div", { class: "fk-row" }, labelled("start from ", face), labelled("part ", choice), away),
    element("div", { class: "fk-row" },
      button("Scramble", () => arrange(scrambledMoves(homes[model.get("chosen")], random),
        "Scrambled: all parts, in other places."), { class: "fk-main" }),
      button("Upside down", () => arrange(homes[model.get("chosen")].map(
        (place) => within(place, [0, -2 * place[1]])), "Arranged upside down, every part upright.")),
      restore));

  function setUp() {
    const bytes = model.get("layers"), size = WIDE * WIDE, first = 7 * size * model.get("chosen");
    layers = Array.from({ length: 7 }, (_, n) => Float64Array.from(
      new Uint8Array(bytes.buffer, bytes.byteOffset + first + n * size, size), (byte) => byte / 255));
    face.value = String(model.get("chosen"));
    lesson.value = model.get("lesson");
    trained.value = String(model.get("trained"));
  }
  const hear = {
    "change:chosen": () => { setUp(); arrange(restored(), "Another face."); },
    "change:lesson": () => { setUp(); tell("Networks of the other lesson."); },
    "change:trained": () => { setUp(); tell("Other networks of the same lesson."); },
    "change:moves": () => { if (!telling) arrange(model.get("moves"), "Arranged."); },
  };
  const deafen = listen(model, hear);
  setUp();
  tell("Here is a face.");
  return () => {
    clearTimeout(told);
    deafen();
  };
}

export default widget("faces", "Build a face", start, { networkOf: faceNets });
