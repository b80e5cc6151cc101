// A threshold on a score: images move between two trays, accepted and refused.
// @ts-check

import { announcement, element, labelled, menu, slider } from "./page.js";
import { fromBytes, paint, picture } from "./pictures.js";
import { widget } from "./widget.js";

/** @import { Start } from "./widget.js" */
/**
 * @typedef {object} Traits as the Python class has them
 * @property {DataView} images
 * @property {string[]} kinds
 * @property {Record<string, number[]>} scores
 * @property {Record<string, number[]>} thresholds
 * @property {string} chosen
 * @property {number} accepted
 * @property {number[]} inside
 */

/** @param {Start<Traits>} start */
function start({ model, root }) {
  const kinds = model.get("kinds"), total = kinds.length;
  const names = Object.keys(model.get("scores"));
  /** @param {number} value */
  const rounded = (value) => Number(value.toPrecision(3)).toString().replace("-", "−");

  // ---- the images, each made once; they are moved, not drawn again ----
  const tiles = kinds.map((kind, n) => {
    const canvas = picture(`${kind}, image ${n + 1}`);
    paint(canvas, fromBytes(model.get("images"), n));
    return { canvas, node: element("li", {}, canvas, element("span", {}, kind)) };
  });
  /** @param {string} title */
  function tray(title) {
    const heading = element("p", { class: "fk-title" });
    const list = element("ul", { class: "fk-tray", role: "list", "aria-label": title });
    return {
      node: element("div", {}, heading, list),
      fill(/** @type {number[]} */ places) {
        heading.textContent = `${title}: ${places.length} of ${total}`;
        list.replaceChildren(...places.map((n) => tiles[n].node));
      },
    };
  }
  const accepted = tray("Accepted"), refused = tray("Refused");
  const status = announcement();
  const line = element("p", { class: "fk-note" });

  /** @param {boolean} tell */
  function sort(tell) {
    const name = model.get("chosen"), scores = model.get("scores")[name];
    const share = model.get("accepted"), least = model.get("thresholds")[name][share];
    const order = scores.map((_, n) => n).sort((a, b) => scores[b] - scores[a] || a - b);
    const inside = order.filter((n) => scores[n] >= least);
    accepted.fill(inside);
    refused.fill(order.filter((n) => scores[n] < least));
    tiles.forEach(({ canvas }, n) => canvas.setAttribute("aria-label",
      `${kinds[n]}, image ${n + 1}: score ${rounded(scores[n])}, `
        + (scores[n] >= least ? "accepted" : "refused")));
    line.textContent = `Threshold ${rounded(least)}. Both trays run from the highest score to the lowest.`;
    const counts = new Map();
    kinds.forEach((kind, n) => {
      const [there, all] = counts.get(kind) ?? [0, 0];
      counts.set(kind, [there + (scores[n] >= least), all + 1]);
    });
    status.say(`At ${share} % of held-out digits, ${name} accepts `
      + [...counts].map(([kind, [there, all]]) => `${kind} ${there}/${all}`).join(", ") + ".");
    if (!tell) return;
    model.set("inside", inside.sort((a, b) => a - b));
    model.save_changes();
  }

  // ---- controls ----
  const choice = menu(names.map((name) => [name, name]), (value) => {
    model.set("chosen", value);
    sort(true);
  });
  const share = slider("held-out digits to accept", {
    min: 0, max: 100, step: 1, value: model.get("accepted"), format: (value) => `${value} %`,
  }, (value) => { model.set("accepted", value); sort(true); });
  root.append(
    element("div", { class: "fk-row" }, labelled("score ", choice), share.node),
    line, status.node,
    element("div", { class: "fk-trays" }, accepted.node, refused.node));

  const hear = () => {
    choice.value = String(model.get("chosen"));
    share.set(model.get("accepted"));
    sort(false);
  };
  model.on("change:chosen", hear);
  model.on("change:accepted", hear);
  hear();
  return () => {
    model.off("change:chosen", hear);
    model.off("change:accepted", hear);
  };
}

export default widget("threshold", "Set the threshold of a score", start);
