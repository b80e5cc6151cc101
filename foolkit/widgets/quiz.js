// You or the network: ten answers to every image, then both scores. Nothing leaves the page.
// @ts-check

import { barRow } from "./bars.js";
import { CLASS_COLOURS, percent } from "./confidence.js";
import { isShortcut } from "./keys.js";
import { announcement, button, element } from "./page.js";
import { fromBytes, paint, picture } from "./pictures.js";
import { widget } from "./widget.js";

/** @import { Start } from "./widget.js" */
/**
 * @typedef {object} Traits as the Python class has them
 * @property {DataView} images
 * @property {number[]} labels
 * @property {number[]} said
 * @property {number[]} sure
 * @property {string[]} kinds of each image; empty: they are of one kind
 * @property {number[]} given
 * @property {number} score
 */

/** @param {Start<Traits>} start */
function start({ model, root }) {
  const labels = model.get("labels"), said = model.get("said"), sure = model.get("sure");
  const total = labels.length, kinds = model.get("kinds") ?? []; // pages stored earlier have none
  /** @type {number[]} */
  let given = []; // the reader's answers

  // ---- one question after the other ----
  const progress = element("p", { class: "fk-title" });
  const canvas = picture("An image to name", { class: "fk-picture fk-large" });
  const status = announcement();
  const ask = element("div", {}, progress, canvas, element("div",
    { class: "fk-row", role: "group", "aria-label": "Which digit is it likeliest to be?" },
    ...CLASS_COLOURS.map((_, digit) => button(String(digit), () => answer(digit)))));
  const results = element("div", { hidden: "", tabindex: -1 });

  function show() {
    progress.textContent = `Image ${given.length + 1} of ${total}: which digit? Guess if you see none.`;
    paint(canvas, fromBytes(model.get("images"), given.length));
    canvas.setAttribute("aria-label", `Image ${given.length + 1} of ${total}`);
  }
  /** @param {number} digit */
  function answer(digit) {
    if (given.length === total) return;
    given = [...given, digit];
    tell();
    if (given.length < total) {
      show();
      status.say(`${given.length} of ${total} answered. Next: image ${given.length + 1}.`);
    } else conclude();
  }
  function tell() {
    model.set("given", given);
    model.set("score", given.filter((digit, n) => digit === labels[n]).length);
    model.save_changes();
  }

  // ---- both scores, side by side, of each kind of image ----
  /**
   * @param {number[]} answers
   * @param {string} [kind] of the images that count; by default all do
   */
  const right = (answers, kind) => answers.filter((digit, n) =>
    digit === labels[n] && (kind === undefined || kinds[n] === kind)).length;
  /**
   * @param {string} name
   * @param {number} hits
   * @param {number} all
   */
  const score = (name, hits, all) => {
    const row = barRow(element("span", { class: "fk-who" }, name));
    row.show({ share: hits / all, text: `${hits} of ${all}` });
    return row.node;
  };
  /** @param {string} [kind] */
  function scores(kind) {
    const all = kind === undefined ? total : kinds.filter((one) => one === kind).length;
    return element("div", {}, ...(kind === undefined ? [] : [element("p", {}, kind)]),
      element("ul", { class: "fk-bars fk-scores", role: "list",
        "aria-label": kind === undefined ? "Scores" : `Scores, ${kind}` },
      score("you", right(given, kind), all), score("the network", right(said, kind), all),
      score("guessing", all / 10, all)));
  }
  function conclude() {
    const mine = right(given), its = right(said);
    const groups = kinds.length ? [...new Set(kinds)].sort() : [undefined];
    const rows = labels.map((label, n) => {
      const small = picture(`Image ${n + 1}${kinds.length ? `, ${kinds[n]}` : ""}`);
      paint(small, fromBytes(model.get("images"), n));
      /**
       * @param {string} text
       * @param {boolean} right
       */
      const cell = (text, right) => element("td", {}, right ? `${text} ✓` : text);
      return element("tr", {}, element("td", {}, small), element("td", {}, String(label)),
        cell(String(given[n]), given[n] === label),
        cell(`${said[n]}, ${percent(sure[n])}`, said[n] === label));
    });
    const head = ["image", "it counts as", "you", "the network"].map(
      (text) => element("th", { scope: "col" }, text));
    results.replaceChildren(
      ...groups.map((kind) => scores(kind)),
      element("div", { class: "fk-scroll", tabindex: 0, role: "region", "aria-label": "All answers" },
        element("table", {}, element("thead", {}, element("tr", {}, ...head)),
          element("tbody", {}, ...rows))),
      button("Again", restart));
    ask.hidden = true;
    results.hidden = false;
    status.say(`You were right on ${mine} of ${total}, the network on ${its}, each time with a confidence `
      + `of at least ${percent(Math.min(...sure))}.`);
    results.focus();
  }
  function restart() {
    given = [];
    tell();
    results.hidden = true;
    ask.hidden = false;
    status.say("");
    show();
    ask.querySelector("button")?.focus();
  }

  root.addEventListener("keydown", (event) => { // the digit keys answer too
    if (isShortcut(event) || ask.hidden) return;
    if (/^[0-9]$/.test(event.key)) { answer(Number(event.key)); event.preventDefault(); }
  });
  root.append(ask, status.node, results);
  show();
}

export default widget("quiz", "You or the network: name the digits", start);
