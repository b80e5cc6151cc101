// The names that a network finds likeliest, with bars.
// @ts-check

import { barRow } from "./bars.js";
import { percent } from "./confidence.js";
import { element } from "./page.js";

const LIKELIEST = 5;

export function likeliestNames() {
  const rows = Array.from({ length: LIKELIEST }, () => {
    const name = element("span");
    return { name, ...barRow(name) };
  });
  return {
    node: element("ol", { class: "fk-bars fk-names", role: "list", "aria-label": "The five likeliest names" },
      ...rows.map(({ node }) => node)),
    // Shows them; the class `marked` stands out. Returns the first in words.
    /**
     * @param {string[]} names
     * @param {number[]} confidences
     * @param {number} marked
     */
    show(names, confidences, marked) {
      const order = confidences.map((_, k) => k).sort((a, b) => confidences[b] - confidences[a]);
      rows.forEach(({ name, show }, n) => {
        const k = order[n];
        name.textContent = names[k];
        show({ share: confidences[k], text: percent(confidences[k]), marked: k === marked });
      });
      return `“${names[order[0]]}”, ${percent(confidences[order[0]])}`;
    },
  };
}
