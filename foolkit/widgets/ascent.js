// Climbing by gradient: the update of foolkit.gradients.ascent, with its priors.
// @ts-check

import { CERTAIN } from "./confidence.js";
import { lossGradient } from "./loss_gradient.js";

/** @import { DigitNetwork } from "./network.js" */
/** @import { Random } from "./random.js" */
/**
 * @typedef {object} Priors
 * @property {number} stepSize
 * @property {number} decay share of the way to the centre that each step goes
 * @property {number} blur deviation in pixels
 * @property {number} blurEvery steps
 * @property {number} jitter pixels
 * @property {number} totalVariation weight of its slope
 */

// A Gaussian of 2 ceil(3 deviation) + 1 pixels, of sum 1.
/** @param {number} deviation in pixels */
function gaussianKernel(deviation) {
  const radius = Math.ceil(3 * deviation);
  const weights = Float64Array.from({ length: 2 * radius + 1 },
    (_, i) => Math.exp(-0.5 * ((i - radius) / deviation) ** 2));
  const sum = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / sum);
}

// Along both axes; the edge pixels continue outwards.
/**
 * @param {Float64Array} image
 * @param {number} deviation in pixels
 */
export function blurred(image, deviation) {
  const kernel = gaussianKernel(deviation), radius = (kernel.length - 1) / 2;
  /**
   * @param {Float64Array} from
   * @param {(x: number, y: number, by: number) => number} at
   */
  const along = (from, at) => Float64Array.from(from, (_, n) => {
    const x = n % 28, y = Math.floor(n / 28);
    return kernel.reduce((sum, weight, k) => sum + weight * from[at(x, y, k - radius)], 0);
  });
  const inside = (/** @type {number} */ i) => Math.min(27, Math.max(0, i));
  const down = along(image, (x, y, by) => 28 * inside(y + by) + x);
  return along(down, (x, y, by) => 28 * y + inside(x + by));
}

// How the total variation, mean (x_{i+1,j} - x_ij)^2 + mean (x_{i,j+1} - x_ij)^2, changes with
// each pixel.
/** @param {Float64Array} image */
export function roughnessSlope(image) {
  const slope = new Float64Array(784), share = 2 / (27 * 28);
  const pair = (/** @type {number} */ n, /** @type {number} */ m) => {
    const difference = share * (image[m] - image[n]);
    slope[n] -= difference;
    slope[m] += difference;
  };
  for (let y = 0; y < 28; y++) {
    for (let x = 0; x < 28; x++) {
      if (x < 27) pair(28 * y + x, 28 * y + x + 1);
      if (y < 27) pair(28 * y + x, 28 * (y + 1) + x);
    }
  }
  return slope;
}

// The image rolled around: what leaves at one edge comes in at the opposite one.
/**
 * @param {Float64Array} image
 * @param {number} down
 * @param {number} right
 */
export function rolled(image, down, right) {
  return Float64Array.from(image, (_, n) => {
    const y = (Math.floor(n / 28) - down + 28) % 28, x = ((n % 28) - right + 28) % 28;
    return image[28 * y + x];
  });
}

// One climber. Each step: x <- clip(x + a g / rms(g)), g the gradient of the logarithm of the
// goal's probability; then the priors that are asked for.
export class Climber {
  /**
   * @param {DigitNetwork} net
   * @param {{ image: Float64Array, goal: number, centre: Float64Array, random: Random }} start
   */
  constructor(net, { image, goal, centre, random }) {
    this.net = net;
    this.goal = goal;
    this.centre = centre;
    this.random = random;
    this.image = Float64Array.from(image);
    this.steps = 0;
    /** @type {Float64Array | null} */
    this.slope = null; // of the last step, of root mean square 1
    this.reached = -1; // steps until 99.99 %
    this.confidences = this.judge();
  }

  /** @returns {number[]} */
  judge() {
    this.confidences = this.net.confidences(this.image);
    if (this.reached < 0 && this.confidences[this.goal] >= CERTAIN) this.reached = this.steps;
    return this.confidences;
  }

  /** @param {Priors} priors */
  step({ stepSize, decay, blur, blurEvery, jitter, totalVariation }) {
    const draw = () => Math.floor(this.random.next() * (2 * jitter + 1)) - jitter;
    const [down, right] = jitter ? [draw(), draw()] : [0, 0];
    const shown = jitter ? rolled(this.image, down, right) : this.image;
    let slope = lossGradient(this.net, shown, this.goal).map((g) => -g);
    if (jitter) slope = rolled(slope, -down, -right);
    if (totalVariation) {
      const rough = roughnessSlope(this.image);
      slope = slope.map((g, i) => g - totalVariation * rough[i]);
    }
    const largest = slope.reduce((most, g) => Math.max(most, Math.abs(g)), 0);
    const scaled = slope.map((g) => (largest ? g / largest : 0)); // lest the squares underflow
    const rms = Math.sqrt(scaled.reduce((sum, g) => sum + g * g, 0) / 784) || 1;
    const unit = scaled.map((g) => g / rms);
    this.slope = unit;
    let image = this.image.map((value, i) => {
      const moved = value + stepSize * unit[i];
      return moved + decay * (this.centre[i] - moved);
    });
    this.steps++;
    if (blur && this.steps % blurEvery === 0) image = blurred(image, blur);
    this.image = image.map((value) => Math.min(1, Math.max(0, value)));
    this.judge();
  }
}
