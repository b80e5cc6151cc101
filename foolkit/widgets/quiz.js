// You or the network: name the images, then see both scores. Nothing leaves the page.
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
 * @property {(number | null)[]} given
 * @property {number} score
 */

/** @param {Start<Traits>} start */
function start({ model, root }) {
  const labels = model.get("labels"), said = model.get("said"), sure = model.get("sure");
  const total = labels.length;
  /** @type {(number | null)[]} */
  let given = []; // the reader's answers; null: "no digit"

  // ---- one question after the other ----
  const progress = element("p", { class: "fk-title" });
  const canvas = picture("An image to name", { class: "fk-picture fk-large" });
  const status = announcement();
  const ask = element("div", {}, progress, canvas, element("div",
    { class: "fk-row", role: "group", "aria-label": "Which digit do you see?" },
    ...CLASS_COLOURS.map((_, digit) => button(String(digit), () => answer(digit))),
    button("no digit", () => answer(null))));
  const results = element("div", { hidden: "", tabindex: -1 });

  function show() {
    progress.textContent = `Image ${given.length + 1} of ${total}: which digit is it?`;
    paint(canvas, fromBytes(model.get("images"), given.length));
    canvas.setAttribute("aria-label", `Image ${given.length + 1} of ${total}`);
  }
  /** @param {number | null} digit */
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

  // ---- both scores, side by side ----
  /**
   * @param {string} name
   * @param {number} right
   */
  const score = (name, right) => {
    const row = barRow(element("span", { class: "fk-who" }, name));
    row.show({ share: right / total, text: `${right} of ${total}` });
    return row.node;
  };
  function conclude() {
    const mine = given.filter((digit, n) => digit === labels[n]).length;
    const its = said.filter((digit, n) => digit === labels[n]).length;
    const rows = labels.map((label, n) => {
      const small = picture(`Image ${n + 1}`);
      paint(small, fromBytes(model.get("images"), n));
      /**
       * @param {string} text
       * @param {boolean} right
       */
      const cell = (text, right) => element("td", {}, right ? `${text} ✓` : text);
      return element("tr", {}, element("td", {}, small), element("td", {}, String(label)),
        cell(given[n] === null ? "no digit" : String(given[n]), given[n] === label),
        cell(`${said[n]}, ${percent(sure[n])}`, said[n] === label));
    });
    const head = ["image", "it counts as", "you", "the network"].map(
      (text) => element("th", { scope: "col" }, text));
    results.replaceChildren(
      element("ul", { class: "fk-bars fk-scores", role: "list", "aria-label": "Scores" },
        score("you", mine), score("the network", its), score("guessing", Math.round(total) / 10)),
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
