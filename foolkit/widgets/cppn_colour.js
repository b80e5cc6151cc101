// Coloured pictures of CPPNs: three outputs, which are hue, saturation and value.
// @ts-check

import { CPPN, evaluateAll } from "./cppn.js";

/** @import { Genome, Settings } from "./cppn.js" */
/** @import { Random } from "./random.js" */

// Hue, saturation and value in [0, 1] to red, green and blue of 255 levels, as foolkit's hsv_to_rgb.
/**
 * @param {number} hue in turns
 * @param {number} saturation
 * @param {number} value
 */
function toRGB(hue, saturation, value) {
  return [5, 3, 1].map((shift) => {
    const sixth = (6 * hue + shift) % 6, share = Math.min(1, Math.max(0, Math.min(sixth, 4 - sixth)));
    return Math.round(255 * value * (1 - saturation * share));
  });
}

// The picture of a genome: levels row by row, red, green and blue of each pixel.
/**
 * @param {Genome} genome
 * @param {number} size
 */
export function colourLevels(genome, size) {
  const outputs = evaluateAll(genome, size, 3), levels = new Uint8Array(3 * size * size);
  for (let i = 0; i < size * size; i++) {
    const [hue, saturation, value] = outputs.map((values) => Math.floor(255 * Math.abs(Math.fround(values[i]))) / 255);
    levels.set(toRGB(hue, saturation, value), 3 * i);
  }
  return levels;
}

// The encoding: it varies as the grey one does, and renders at one size.
export class ColourCPPN {
  /**
   * @param {Settings} settings as Python's
   * @param {number} size
   */
  constructor(settings, size) {
    this.networks = new CPPN({ ...settings, outputs: 3 });
    this.size = size;
  }
  /** @param {Random} random */
  sample(random) {
    return this.networks.sample(random);
  }
  /**
   * @param {Genome} parent
   * @param {Random} random
   */
  vary(parent, random) {
    return this.networks.vary(parent, random);
  }
  /** @param {Genome} genome */
  render(genome) {
    return colourLevels(genome, this.size);
  }
}
