// A guess before the result: a number on an axis or one of some choices, then the truth beside it.
// @ts-check

import { announcement, button, element, newId, shape } from "./page.js";
import { widget } from "./widget.js";

/** @import { Start } from "./widget.js" */
/**
 * @typedef {object} Traits as the Python class has them
 * @property {string} question
 * @property {string[]} choices
 * @property {number} truth
 * @property {number[]} ends
 * @property {string} told
 * @property {number} low
 * @property {number} high
 * @property {boolean} logarithmic
 * @property {string} unit
 * @property {number | null} guess
 * @property {string} chosen
 * @property {boolean} revealed
 */

const STEPS = 100; // of the slider
const [WIDTH, LEFT, RIGHT, LINE] = [440, 24, 416, 52]; // of the drawing

// The page's own script veils the output of the next cell from the first of these to the second.
const ASKS = "fk-asks", ANSWERED = "fk-answered";

/** @param {Start<Traits>} start */
function start({ model, root }) {
  const [low, high, logarithmic] = [model.get("low"), model.get("high"), model.get("logarithmic")];
  const choices = model.get("choices"), unit = model.get("unit");
  const shares = low === 0 && high === 1 && !unit;
  const at = (/** @type {number} */ share) =>
    (logarithmic ? low * (high / low) ** share : low + (high - low) * share);
  const place = (/** @type {number} */ value) =>
    (logarithmic ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low));
  const across = (/** @type {number} */ value) => LEFT + (RIGHT - LEFT) * Math.min(1, Math.max(0, place(value)));
  const number = (/** @type {number} */ value) =>
    (shares ? `${Math.round(100 * value)} %` : `${Number(value.toPrecision(2))} ${unit}`.trim());

  const id = newId();
  const ask = element("div", {});
  const answer = element("div", { hidden: "", tabindex: -1 });
  const status = announcement();

  // ---- the guess ----
  if (choices.length) {
    ask.append(element("div", { class: "fk-row", role: "group", "aria-label": "Your guess" },
      ...choices.map((choice) => button(choice, () => reveal(null, choice)))));
  } else {
    const slide = element("input", { type: "range", id, min: 0, max: STEPS, step: 1 });
    const said = element("output", { for: id });
    const show = () => {
      said.textContent = number(at(Number(slide.value) / STEPS));
      slide.setAttribute("aria-valuetext", said.textContent);
    };
    slide.value = String(STEPS / 2);
    slide.addEventListener("input", show);
    show();
    ask.append(element("div", { class: "fk-row" },
      element("div", { class: "fk-slider" }, element("label", { for: id }, "your guess"), slide, said),
      button("That is my guess", () => reveal(at(Number(slide.value) / STEPS), ""), { class: "fk-main" })));
  }
  ask.append(button("Skip: show the result", () => reveal(null, "")));

  // ---- the result, with the guess in it ----
  function axis(/** @type {number | null} */ guess) {
    const svg = shape("svg", { viewBox: `0 0 ${WIDTH} 96`, role: "img", class: "fk-curve fk-guess" });
    const tick = (/** @type {number} */ share) => [
      shape("line", { x1: across(at(share)), x2: across(at(share)), y1: LINE, y2: LINE + 6, class: "fk-grid" }),
      shape("text", { x: across(at(share)), y: LINE + 20, "text-anchor": "middle" }, number(at(share)))];
    svg.append(shape("line", { x1: LEFT, x2: RIGHT, y1: LINE, y2: LINE, class: "fk-here" }),
      ...[0, 0.25, 0.5, 0.75, 1].flatMap(tick));
    const ends = model.get("ends"), truth = across(model.get("truth"));
    if (ends.length === 2) {
      svg.append(shape("line", {
        x1: across(ends[0]), x2: across(ends[1]), y1: LINE, y2: LINE, class: "fk-interval",
      }));
    }
    svg.append(shape("circle", { cx: truth, cy: LINE, r: 5, class: "fk-truth" }));
    const anchor = (/** @type {number} */ x) => (x < 90 ? "start" : x > WIDTH - 90 ? "end" : "middle");
    svg.append(shape("text", { x: truth, y: LINE + 38, "text-anchor": anchor(truth), class: "fk-goal" },
      `measured: ${model.get("told")}`));
    if (guess !== null) {
      const x = across(guess);
      svg.append(shape("path", { d: `M${x} ${LINE - 6} l-7 -12 h14 Z`, class: "fk-guessed" }),
        shape("text", { x, y: LINE - 24, "text-anchor": anchor(x) }, `you: ${number(guess)}`));
    }
    svg.setAttribute("aria-label", words(guess, ""));
    return svg;
  }
  /**
   * @param {number | null} guess
   * @param {string} chosen
   */
  function words(guess, chosen) {
    const measured = `Measured: ${model.get("told")}.`;
    if (chosen) return `You said: ${chosen}. ${chosen === model.get("told") ? "So it is." : measured}`;
    return guess === null ? measured : `You said ${number(guess)}. ${measured}`;
  }
  /**
   * @param {number | null} guess
   * @param {string} chosen
   */
  function reveal(guess, chosen) {
    model.set("guess", guess);
    model.set("chosen", chosen);
    model.set("revealed", true);
    model.save_changes();
    conclude();
    answer.focus();
  }
  function conclude() {
    const guess = model.get("guess"), chosen = model.get("chosen");
    answer.replaceChildren(...(choices.length ? [] : [axis(guess)]));
    ask.hidden = true;
    answer.hidden = false;
    status.say(words(guess, chosen));
    root.dispatchEvent(new CustomEvent(ANSWERED, { bubbles: true, composed: true }));
  }

  root.append(element("p", { class: "fk-title" }, `Before you look: ${model.get("question")}`),
    ask, answer, status.node);
  if (model.get("revealed")) conclude();
  else root.dispatchEvent(new CustomEvent(ASKS, { bubbles: true, composed: true }));
}

export default widget("predict", "A guess before the result", start);
