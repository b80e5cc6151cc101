// Random pictures of no intent: the kinds of foolkit.analysis.textures.
// @ts-check

import { CPPN, evaluate } from "./cppn.js";
import { colourLevels } from "./cppn_colour.js";
import { transformedSquare, zeros } from "./fourier.js";

/** @import { Settings } from "./cppn.js" */
/** @import { Random } from "./random.js" */
/**
 * A picture: levels of 255, row by row, each pixel's one or three.
 *
 * @typedef {(random: Random, size: number, channels: number, settings: Settings) => Uint8Array} Draw
 */

const DEVIATION = 0.25; // of Gaussian noise about middle grey
const DRIFT = 20; // generations of formulas that nobody selects

/** @param {number} value in [0, 1] */
const level = (value) => Math.round(255 * Math.min(1, Math.max(0, value)));

// Two independent normal numbers (Box and Muller 1958).
/** @param {Random} random */
function twoNormal(random) {
  const radius = Math.sqrt(-2 * Math.log(1 - random.next())), angle = 2 * Math.PI * random.next();
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

// A square whose power falls with the frequency squared: waves of all frequencies with normal
// amplitudes, of which only the sizes differ. Not yet stretched to [0, 1].
/**
 * @param {Random} random
 * @param {number} size
 */
function smooth(random, size) {
  const waves = zeros(size * size);
  const frequency = (/** @type {number} */ k) => Math.min(k, size - k) / size;
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const amplitude = 1 / Math.max(1 / size, Math.hypot(frequency(row), frequency(column)));
      const [re, im] = twoNormal(random), at = row * size + column;
      waves.re[at] = amplitude * re;
      waves.im[at] = amplitude * im;
    }
  }
  return transformedSquare(waves, size).re;
}

/** @type {Record<string, Draw>} */
export const TEXTURES = {
  uniform: (random, size, channels) =>
    Uint8Array.from({ length: channels * size * size }, () => level(random.next())),
  Gaussian: (random, size, channels) =>
    Uint8Array.from({ length: channels * size * size }, () => level(0.5 + DEVIATION * twoNormal(random)[0])),
  "1/f": (random, size, channels) => {
    const colours = Array.from({ length: channels }, () => smooth(random, size));
    const pixels = Float64Array.from({ length: channels * size * size }, (_, i) =>
      colours[i % channels][Math.floor(i / channels)]);
    const low = pixels.reduce((a, b) => Math.min(a, b)), high = pixels.reduce((a, b) => Math.max(a, b));
    return Uint8Array.from(pixels, (value) => level((value - low) / (high - low)));
  },
  formulas: (random, size, channels, settings) => {
    const networks = new CPPN({ ...settings, outputs: channels });
    let genome = networks.sample(random);
    for (let generation = 0; generation < DRIFT; generation++) genome = networks.vary(genome, random);
    return channels === 3 ? colourLevels(genome, size)
      : Uint8Array.from(evaluate(genome, size), (value) => Math.floor(255 * Math.abs(Math.fround(value))));
  },
};
