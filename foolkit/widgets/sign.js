// Steps along the sign of the loss's gradient, and their control: foolkit.gradients.sign and noise.
// @ts-check

import { Climber } from "./ascent.js";
import { marginOf } from "./margin.js";
import { isFlat, projectedSteps } from "./projected_gradient.js";
import { Random } from "./random.js";

/** @import { DigitNetwork } from "./network.js" */
/** @typedef {{ image: Float64Array, stuck: boolean }} Attacked the image that an attack made */

const ROUNDING = 1e-5; // of the largest logit: a lead that a second look may not find again

// The slope of the loss with respect to the pixels, as Python computes it: probabilities are
// float32 numbers there. Where the answer's rounds to one and the others to nothing, no slope is
// left. Here it is computed in float64, and would still be there; but then the attack would be
// another than Python's.
/**
 * @param {DigitNetwork} net
 * @param {Float64Array} image
 * @param {number} label
 */
function slopeInFloat32(net, image, label) {
  const f = Math.fround, logits = net.logits(image), highest = f(Math.max(...logits));
  const sum = f(logits.reduce((all, z) => all + Math.exp(f(f(z) - highest)), 0));
  const direction = Array.from(logits, (z) => f(Math.exp(f(f(z) - highest - f(Math.log(sum))))));
  direction[label] = f(direction[label] - 1);
  return Float32Array.from(net.gradient(direction));
}

// One step (Goodfellow et al. 2014). `stuck`: there was no slope to step along.
/**
 * @param {DigitNetwork} net
 * @param {Float64Array} original
 * @param {number} label
 * @param {number} epsilon
 * @returns {Attacked}
 */
export function signStep(net, original, label, epsilon) {
  const slope = slopeInFloat32(net, original, label);
  const moved = original.map((x, i) => x + epsilon * Math.sign(slope[i]));
  return { image: moved.map((x) => Math.min(1, Math.max(0, x))), stuck: isFlat(slope) };
}

// Many steps from random points of the box (Madry et al. 2018); of several starts the first that
// fools, else the one that came nearest. `starts`: for each the first change, of at most epsilon a
// pixel. A generator: yields after each step, its last value is the result. `stuck`: every
// start ended where there is no slope.
/**
 * @param {DigitNetwork} net
 * @param {Float64Array} original
 * @param {number} label
 * @param {{ epsilon: number, steps: number, starts: Float64Array[] }} settings
 * @returns {Generator<Attacked | null, void>}
 */
export function* signSteps(net, original, label, { epsilon, steps, starts }) {
  const slopeOf = (/** @type {Float64Array} */ image) => slopeInFloat32(net, image, label);
  let best = { image: original, margin: -Infinity }, ended = 0;
  for (const start of starts) {
    const walk = projectedSteps(original, start, { epsilon, length: 2.5 * epsilon / steps, slopeOf });
    for (let n = 1; n < steps; n++) {
      walk.next();
      yield null;
    }
    const { image, stuck } = walk.next().value, logits = net.logits(image);
    yield null;
    if (stuck) ended++;
    const { lead } = marginOf(logits, label);
    const fooled = lead > ROUNDING * Math.max(...logits.map(Math.abs));
    const margin = fooled ? lead : Math.min(lead, 0);
    if (margin > best.margin) best = { image, margin };
    if (fooled) break;
  }
  yield { image: best.image, stuck: ended === starts.length };
}

// Random numbers of one digit and one start: the same for every network.
/**
 * @param {number} seed
 * @param {number} place
 * @param {number} start
 */
export const randomOf = (seed, place, start) => new Random(seed + 1e6 * (1 + 16 * place + start));

// A uniform random point of the box, as a change.
/**
 * @param {Random} random
 * @param {number} epsilon
 */
export function randomChange(random, epsilon) {
  return Float64Array.from({ length: 784 }, () => epsilon * (2 * random.next() - 1));
}

// The control: every pixel by plus or minus epsilon, whatever the network.
/**
 * @param {Float64Array} original
 * @param {number} epsilon
 * @param {Random} random
 */
export function signNoise(original, epsilon, random) {
  return original.map((x) =>
    Math.min(1, Math.max(0, x + (random.next() < 0.5 ? -epsilon : epsilon))));
}

/** @param {Random} random */
export const randomImage = (random) => Float64Array.from({ length: 784 }, () => random.next());

// Noise, climbed until it counts as the goal with 99.99 % (foolkit.gradients.ascent). `stuck`: it
// came to a place with no slope before that.
const PLAIN_CLIMB = { stepSize: 0.01, decay: 0, blur: 0, blurEvery: 1, jitter: 0, totalVariation: 0 };

/**
 * @param {DigitNetwork} net
 * @param {number} goal
 * @param {Random} random
 * @returns {Generator<Attacked | null, void>}
 */
export function* painted(net, goal, random, steps = 200) {
  const image = randomImage(random);
  const climber = new Climber(net, { image, goal, centre: image, random });
  const flat = () => climber.slope !== null && isFlat(climber.slope);
  while (climber.reached < 0 && climber.steps < steps) {
    climber.step(PLAIN_CLIMB);
    if (flat()) break;
    yield null;
  }
  yield { image: climber.image, stuck: flat() };
}
