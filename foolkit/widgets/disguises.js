// Defences that hide a network's gradient: foolkit.models.disguises, in the page.
// @ts-check

import { marginOf } from "./margin.js";
import { projectedSteps } from "./projected_gradient.js";

/** @import { DigitNetwork } from "./network.js" */
/** @import { Random } from "./random.js" */
/** @typedef {"steep" | "rounded" | "rippled" | "shaken"} Disguise */

const SCALE = 1e4, LEVELS = 16, HEIGHT = 0.01, WAVES = 200, NOISE = 0.3;

// A normal number (Box and Muller).
/** @param {Random} random */
const normal = (random) =>
  Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());

/**
 * What each does to the pixels, to the logits, and to the slope that comes back from the pixels it
 * gave (`image` is what it was shown). Shaken, in the page, is noise alone: nothing is moved.
 *
 * @type {Record<Disguise, { pixels?: (image: Float64Array, random: Random) => Float64Array,
 *   times?: number, slope?: (slope: Float64Array, image: Float64Array) => Float64Array }>}
 */
const KINDS = {
  steep: { times: SCALE },
  rounded: {
    pixels: (image) => image.map((x) => Math.round(x * (LEVELS - 1)) / (LEVELS - 1)),
    slope: (slope) => slope.fill(0),
  },
  rippled: {
    pixels: (image) => image.map((x) => x - HEIGHT * Math.sin(2 * Math.PI * WAVES * x)),
    slope: (slope, image) => slope.map((g, i) =>
      g * (1 - 2 * Math.PI * WAVES * HEIGHT * Math.cos(2 * Math.PI * WAVES * image[i]))),
  },
  shaken: {
    pixels: (image, random) => image.map((x) => Math.min(1, Math.max(0, x + NOISE * normal(random)))),
  },
};

// The network behind a disguise, with the logits and the gradient that an attack is given.
/**
 * @param {DigitNetwork} net
 * @param {Disguise} kind
 * @param {Random} random of what is drawn
 */
export function disguised(net, kind, random) {
  const { pixels, times = 1, slope } = KINDS[kind];
  /** @type {Float64Array} */
  let shown = new Float64Array(784);
  const made = Object.create(net, { // the rest, its confidences too, as the network has it
    logits: {
      value: (/** @type {Float64Array} */ image) => {
        shown = image;
        return net.logits(pixels ? pixels(image, random) : image).map((z) => times * z);
      },
    },
    gradient: {
      value: (/** @type {ArrayLike<number>} */ direction) => {
        const back = net.gradient(Float64Array.from(direction, (d) => times * d));
        return slope ? slope(back, shown) : back;
      },
    },
  });
  return /** @type {DigitNetwork} */ (made);
}

// Projected steps that raise the margin, by how much the best wrong class leads: no softmax is
// asked. A generator: yields after each step, its last value is the result.
/**
 * @param {DigitNetwork} net
 * @param {Float64Array} original
 * @param {number} label
 * @param {{ epsilon: number, steps: number, start: Float64Array }} settings
 * @returns {Generator<{ image: Float64Array, stuck: boolean }, void>}
 */
export function* marginSteps(net, original, label, { epsilon, steps, start }) {
  const slopeOf = (/** @type {Float64Array} */ image) => {
    const { rival } = marginOf(net.logits(image), label), direction = new Float64Array(10);
    direction[rival] = 1;
    direction[label] = -1;
    return net.gradient(direction);
  };
  const walk = projectedSteps(original, start, { epsilon, length: 2.5 * epsilon / steps, slopeOf });
  for (let n = 0; n < steps; n++) yield walk.next().value;
}

const FIRST = 0.3; // share of the pixels in the first squares

// foolkit.gradients.blind: stripes of plus or minus epsilon, then squares, kept where the margin
// grows; nothing but logits is asked. A generator: yields after each question.
/**
 * @param {DigitNetwork} net
 * @param {Float64Array} original
 * @param {number} label
 * @param {{ epsilon: number, questions: number, random: Random }} settings
 * @returns {Generator<{ image: Float64Array, stuck: boolean }, void>}
 */
export function* searchedBlindly(net, original, label, { epsilon, questions, random }) {
  const sign = () => (random.next() < 0.5 ? -epsilon : epsilon);
  const below = (/** @type {number} */ n) => Math.floor(random.next() * n);
  const added = (/** @type {Float64Array} */ change) =>
    original.map((x, i) => Math.min(1, Math.max(0, x + change[i])));
  const stripes = Array.from({ length: 28 }, sign);
  let change = Float64Array.from({ length: 784 }, (_, i) => stripes[i % 28]);
  let image = added(change), { lead } = marginOf(net.logits(image), label);
  yield { image, stuck: false };
  for (let n = 0; n < questions && lead <= 0; n++) {
    const side = Math.max(1, Math.round(28 * Math.sqrt(FIRST * 2 ** (-6 * n / questions))));
    const top = below(29 - side), left = below(29 - side), value = sign();
    const child = change.slice();
    for (let y = top; y < top + side; y++) child.fill(value, 28 * y + left, 28 * y + left + side);
    const next = added(child), found = marginOf(net.logits(next), label).lead;
    if (found > lead) {
      change = child;
      image = next;
      lead = found;
    }
    yield { image, stuck: false };
  }
}
