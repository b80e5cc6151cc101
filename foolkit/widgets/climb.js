// Hold a button, and climb the gradient of one digit's probability from noise, grey or the mean.
// @ts-check

import { Climber } from "./ascent.js";
import { confidenceBars } from "./bars.js";
import { CLASS_COLOURS, percent } from "./confidence.js";
import { networkOf } from "./network.js";
import { indexOfLargest } from "./numbers.js";
import { announcement, button, element, labelled, menu, slider } from "./page.js";
import { fromBytes, paint, picture, toBytes } from "./pictures.js";
import { Random } from "./random.js";
import { listen, widget } from "./widget.js";

/** @import { DigitNetwork } from "./network.js" */
/** @import { Range } from "./page.js" */
/** @import { Start } from "./widget.js" */
/**
 * @typedef {object} Traits as the Python class has them
 * @property {number} goal
 * @property {"noise" | "grey" | "mean"} start
 * @property {number} seed
 * @property {number} step_size
 * @property {number} decay
 * @property {number} blur
 * @property {number} blur_every
 * @property {number} jitter
 * @property {number} total_variation
 * @property {DataView} mean
 * @property {number} steps
 * @property {number} reached
 * @property {number[]} confidence
 * @property {DataView} image
 */

const PAUSE = 90; // milliseconds from one step to the next: slow enough to watch

/** @param {Start<Traits, DigitNetwork>} start */
function start({ model, root, net }) {
  let climber = freshly(), timer = 0;
  /** @type {typeof model.set} */
  const set = (name, value) => { model.set(name, value); model.save_changes(); };

  // ---- what is seen ----
  const canvas = picture("The image", { class: "fk-picture fk-large" });
  const slopes = picture("The slope");
  const title = element("p", { class: "fk-title" }), slopeText = element("p", { class: "fk-note" });
  const bars = confidenceBars("The network's confidence in each digit");
  const status = announcement();

  function draw() {
    const { image, slope, steps, goal, confidences } = climber, sure = percent(confidences[goal]);
    paint(canvas, image);
    canvas.setAttribute("aria-label", `The image after ${steps} steps; a ${goal} with ${sure}`);
    const largest = slope ? Math.max(...slope.map(Math.abs)) : 1;
    paint(slopes, Float64Array.from({ length: 784 }, (_, i) => 0.5 + (slope ? 0.5 * slope[i] / largest : 0)));
    slopeText.textContent = slope
      ? "the last step, amplified: white was added, black taken away" : "no step yet";
    title.textContent = `step ${steps}: “${goal}”, ${sure}`;
    bars.show(confidences);
  }
  function conclude() { // once it rests
    const { steps, goal, reached, confidences } = climber, answer = indexOfLargest(confidences);
    status.say(`After ${steps} ${steps === 1 ? "step" : "steps"}: a ${goal} with `
      + `${percent(confidences[goal])} confidence; ${reached < 0 ? "99.99 % not reached yet"
        : reached === 0 ? "99.99 % at the start" : `99.99 % reached at step ${reached}`}.`
      + (answer === goal ? "" : ` The network still says ${answer}.`));
    model.set("steps", steps);
    model.set("reached", reached);
    model.set("confidence", Array.from(confidences));
    model.set("image", toBytes(climber.image));
    model.save_changes();
  }

  // ---- what happens ----
  function step() {
    climber.step({
      stepSize: model.get("step_size"), decay: model.get("decay"), blur: model.get("blur"),
      blurEvery: model.get("blur_every"), jitter: model.get("jitter"),
      totalVariation: model.get("total_variation"),
    });
    draw();
  }
  function go() {
    if (timer) return;
    status.node.classList.add("fk-heard");
    const turn = () => {
      const before = climber.reached;
      step();
      timer = setTimeout(turn, PAUSE);
      if (before < 0 && climber.reached >= 0) conclude(); // the moment is said at once
    };
    turn();
  }
  function halt() {
    if (!timer) return;
    clearTimeout(timer);
    timer = 0;
    status.node.classList.remove("fk-heard");
    conclude();
  }
  /** @param {boolean} running */
  function show(running) {
    steady.setAttribute("aria-pressed", String(running));
    steady.textContent = running ? "Stop" : "Climb by itself";
  }
  function stop() { halt(); show(false); }
  function restart() {
    stop();
    climber = freshly();
    draw();
    conclude();
  }
  function freshly() {
    const random = new Random(model.get("seed")), kind = model.get("start");
    const centre = fromBytes(model.get("mean"));
    const image = kind === "noise" ? Float64Array.from({ length: 784 }, () => random.next())
      : kind === "grey" ? new Float64Array(784).fill(0.5) : centre;
    return new Climber(net, { image, goal: model.get("goal"), centre, random });
  }

  // ---- controls: hold, or press once ----
  const hold = button("Hold to climb", () => {}, { class: "fk-main fk-hold" });
  hold.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    hold.setPointerCapture(event.pointerId);
    show(false);
    go();
  });
  for (const end of ["pointerup", "pointercancel", "blur"]) hold.addEventListener(end, stop);
  hold.addEventListener("contextmenu", (event) => event.preventDefault()); // a long touch
  hold.addEventListener("keydown", (event) => {
    if (event.key !== " ") return;
    event.preventDefault();
    if (!event.repeat) go();
  });
  hold.addEventListener("keyup", (event) => { if (event.key === " ") stop(); });
  const steady = button("Climb by itself", () => {
    if (timer) stop();
    else { show(true); go(); }
  });
  const one = button("One step", () => { stop(); step(); conclude(); });

  const goal = menu(CLASS_COLOURS.map((_, digit) => [digit, `a ${digit}`]), (value) => set("goal", Number(value)));
  const from = menu([["noise", "noise"], ["grey", "grey"], ["mean", "the mean digit"]],
    (value) => set("start", /** @type {Traits["start"]} */ (value)));
  /**
   * @param {"decay" | "blur" | "jitter" | "total_variation"} name
   * @param {string} text
   * @param {Omit<Range, "value">} limits
   */
  const prior = (name, text, limits) => {
    const control = slider(text, { ...limits, value: model.get(name) }, (value) => set(name, value));
    return { name, ...control };
  };
  /** @param {number} value */
  const two = (value) => value.toFixed(2);
  const priors = [
    prior("decay", "decay", { min: 0, max: 0.3, step: 0.01, format: two }),
    prior("blur", "blur", { min: 0, max: 1.5, step: 0.1, format: (value) => value.toFixed(1) }),
    prior("jitter", "jitter", { min: 0, max: 4, step: 1, format: String }),
    prior("total_variation", "total variation", { min: 0, max: 2, step: 0.05, format: two }),
  ];
  const showSettings = () => { goal.value = String(model.get("goal")); from.value = model.get("start"); };

  root.append(
    element("div", { class: "fk-row" }, labelled("climb to ", goal), labelled("from ", from)),
    element("div", { class: "fk-row" }, hold, steady, one,
      button("Restart", restart),
      button("Other noise", () => set("seed", (model.get("seed") + 1) % 1000000))),
    element("div", { class: "fk-columns" },
      element("div", {}, title, canvas), element("div", {}, bars.node)),
    status.node,
    element("div", { class: "fk-row", role: "group", "aria-label": "Priors" },
      element("span", {}, "priors:"), ...priors.map((one) => one.node)),
    element("div", {}, slopes, slopeText));

  const again = () => { showSettings(); restart(); };
  /** @type {Record<string, () => void>} */
  const hear = { "change:goal": again, "change:start": again, "change:seed": again, "change:mean": again };
  for (const { name, set: put } of priors) hear[`change:${name}`] = () => put(model.get(name));
  const deafen = listen(model, hear);
  again();
  return () => {
    clearTimeout(timer);
    deafen();
  };
}

export default widget("climb", "Climb the gradient of a digit", start, { networkOf });
