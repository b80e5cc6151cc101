// Ten tiles, one a class: a picture and what the network says of it.
// @ts-check

import { CERTAIN, CLASS_COLOURS, percent } from "./confidence.js";
import { element } from "./page.js";
import { paint, picture } from "./pictures.js";

// `make` wraps a tile's picture and words, for widgets whose tiles can be pressed.
/**
 * @param {(digit: number) => string} label
 * @param {(digit: number, ...parts: HTMLElement[]) => HTMLElement[]} [make]
 */
export function tenTiles(label, make = (digit, ...parts) => parts) {
  return CLASS_COLOURS.map((_, digit) => {
    const canvas = picture(label(digit)), name = element("span"), text = element("span");
    const node = element("li", {}, ...make(digit, canvas, name, text));
    return {
      canvas, node,
      /**
       * @param {Float64Array} pixels
       * @param {number} answer
       * @param {number} confidence
       */
      show(pixels, answer, confidence) {
        const sure = confidence >= CERTAIN;
        paint(canvas, pixels);
        name.textContent = `“${answer}”${sure ? " ✓" : ""}`;
        text.textContent = percent(confidence);
        node.classList.toggle("fk-sure", sure);
      },
    };
  });
}

/**
 * @param {{ node: HTMLElement }[]} tiles
 * @param {string} label
 */
export const tileList = (tiles, label) => element(
  "ol", { class: "fk-tiles", role: "list", "aria-label": label }, ...tiles.map((tile) => tile.node));
