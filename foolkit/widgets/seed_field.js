// The field for a seed.
// @ts-check

import { element, labelled } from "./page.js";

/** @import { Model } from "./widget.js" */

// A number that is none is refused in words.
/**
 * @template {{ seed: number }} T
 * @param {Model<T>} model
 * @param {{ say(text: string): void }} status
 */
export function seedField(model, status) {
  const seed = element("input", { type: "number", min: 0, max: 999999, step: 1 });
  const show = () => { seed.value = String(model.get("seed")); };
  seed.addEventListener("change", () => {
    const value = Math.floor(Number(seed.value));
    if (!(value >= 0 && value <= 999999)) {
      status.say("The seed is a whole number from 0 to 999999.");
      show();
      return;
    }
    model.set("seed", value);
    model.save_changes();
  });
  show();
  return { node: labelled("seed ", seed), show };
}
