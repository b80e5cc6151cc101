// Rows with a bar, and the ten rows of a network's answer.
// @ts-check

import { CLASS_COLOURS, percent } from "./confidence.js";
import { indexOfLargest } from "./numbers.js";
import { element } from "./page.js";

// A row: who or what, a bar, words. `marked` says by weight, not by colour alone, which row is meant.
/** @param {HTMLElement[]} first */
export function barRow(...first) {
  const bar = element("span", { class: "fk-bar" }), number = element("span", { class: "fk-number" });
  const node = element("li", {}, ...first,
    element("span", { class: "fk-track", "aria-hidden": "true" }, bar), number);
  return {
    node,
    /** @param {{ share: number, text: string, colour?: string, marked?: boolean }} row */
    show({ share, text, colour = "", marked = false }) {
      bar.style.width = `${100 * share}%`;
      bar.style.backgroundColor = colour;
      number.textContent = text;
      node.classList.toggle("fk-answer", marked);
    },
  };
}

// Ten rows: digit, bar, number. The answer is told by weight and an arrow, not by colour alone.
/** @param {string} label */
export function confidenceBars(label) {
  const rows = CLASS_COLOURS.map((_, digit) =>
    barRow(element("span", { class: "fk-digit" }, String(digit))));
  const node = element("ol", { class: "fk-bars", "aria-label": label, role: "list" },
    ...rows.map((row) => row.node));
  return {
    node,
    /** @param {number[]} confidences */
    show(confidences) {
      const answer = indexOfLargest(confidences);
      rows.forEach((row, digit) => {
        const marked = digit === answer;
        row.show({
          share: confidences[digit], colour: CLASS_COLOURS[digit], marked,
          text: percent(confidences[digit]) + (marked ? " ◂" : ""),
        });
      });
    },
  };
}
