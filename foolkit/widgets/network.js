// The networks that read digits: the forward pass, and the gradient with respect to the pixels.
// @ts-check

import {
  connect, connectBackward, filter, filterBackward, pool, poolBackward, rectify, windows,
} from "./layers.js";
import { softmax } from "./numbers.js";

/** @import { Tensors } from "./weights.js" */
/** @typedef {LeNet | Dense} DigitNetwork with ten logits, and their gradient */

// Those that read digits have logits(image) and gradient(direction), of 784 numbers and of ten.

export class Network {
  /**
   * @param {Float64Array} image
   * @returns {Float64Array}
   */
  logits(image) {
    throw new Error(`${this.constructor.name}: no logits of ${image.length} pixels`);
  }

  // A confidence for each class; they add up to one.
  /** @param {Float64Array} image */
  confidences(image) {
    return softmax(this.logits(image));
  }
}

// 1x28x28 -> 20 filters of 5x5 -> pool -> 50 filters of 5x5 -> pool -> 500 units, ReLU -> 10 logits
export class LeNet extends Network {
  /** @param {Tensors} tensors */
  constructor(tensors) {
    super();
    this.weights = tensors;
    const numbers = (/** @type {number} */ n) => new Float64Array(n);
    const places = (/** @type {number} */ n) => new Int32Array(n);
    this.windows1 = numbers(576 * 25); this.maps1 = numbers(20 * 24 * 24);
    this.pooled1 = numbers(20 * 12 * 12); this.winners1 = places(20 * 12 * 12);
    this.windows2 = numbers(64 * 500); this.maps2 = numbers(50 * 8 * 8);
    this.pooled2 = numbers(50 * 4 * 4); this.winners2 = places(50 * 4 * 4);
    this.units = numbers(500);
    this.gradUnits = numbers(500);
    this.gradPooled2 = numbers(800); this.gradMaps2 = numbers(64 * 50);
    this.gradPooled1 = numbers(2880); this.gradMaps1 = numbers(576 * 20);
  }

  // image: 784 numbers in [0, 1]. Returns ten logits.
  /** @param {Float64Array} image */
  logits(image, out = new Float64Array(10)) {
    const w = this.weights;
    windows(image, 1, 28, this.windows1);
    filter(this.windows1, 576, 25, w["conv1.weight"], w["conv1.bias"], this.maps1);
    pool(this.maps1, 20, 24, this.pooled1, this.winners1);
    windows(this.pooled1, 20, 12, this.windows2);
    filter(this.windows2, 64, 500, w["conv2.weight"], w["conv2.bias"], this.maps2);
    pool(this.maps2, 50, 8, this.pooled2, this.winners2);
    connect(this.pooled2, w["fc1.weight"], w["fc1.bias"], this.units);
    rectify(this.units);
    connect(this.units, w["fc2.weight"], w["fc2.bias"], out);
    return out;
  }

  // How sum_k direction[k] * logit[k] changes with each pixel of the image last given to logits().
  /** @param {ArrayLike<number>} direction */
  gradient(direction, out = new Float64Array(784)) {
    const w = this.weights;
    connectBackward(direction, 0, 10, w["fc2.weight"], this.gradUnits);
    for (let i = 0; i < 500; i++) if (this.units[i] === 0) this.gradUnits[i] = 0;
    connectBackward(this.gradUnits, 0, 500, w["fc1.weight"], this.gradPooled2);
    poolBackward(this.gradPooled2, this.winners2, 50, 8, this.gradMaps2);
    filterBackward(this.gradMaps2, 20, 12, w["conv2.weight"], 50, this.gradPooled1);
    poolBackward(this.gradPooled1, this.winners1, 20, 24, this.gradMaps1);
    filterBackward(this.gradMaps1, 1, 28, w["conv1.weight"], 20, out);
    return out;
  }
}

// Fully connected layers fc1, fc2, ...: a sigmoid after each but the last. Or one layer, fc, alone.
class Dense extends Network {
  /** @param {Tensors} tensors */
  constructor(tensors) {
    super();
    const names = "fc.weight" in tensors ? ["fc"] : [];
    while (`fc${names.length + 1}.weight` in tensors) names.push(`fc${names.length + 1}`);
    this.layers = names.map((name) => {
      const weights = tensors[`${name}.weight`], biases = tensors[`${name}.bias`];
      const numbers = () => new Float64Array(biases.length);
      return { weights, biases, units: numbers(), gradient: numbers() };
    });
  }

  /** @param {Float64Array} image */
  logits(image, out = new Float64Array(10)) {
    let input = image;
    this.layers.forEach(({ weights, biases, units }, n) => {
      connect(input, weights, biases, units);
      if (n < this.layers.length - 1) {
        for (let i = 0; i < units.length; i++) units[i] = 1 / (1 + Math.exp(-units[i]));
      }
      input = units;
    });
    out.set(input);
    return out;
  }

  /** @param {ArrayLike<number>} direction */
  gradient(direction, out = new Float64Array(784)) {
    let above = direction;
    for (let n = this.layers.length - 1; n >= 0; n--) {
      const { weights, biases } = this.layers[n], below = this.layers[n - 1];
      connectBackward(above, 0, biases.length, weights, below ? below.gradient : out);
      if (below) { // a sigmoid's slope is s (1 - s)
        for (let i = 0; i < below.units.length; i++) {
          below.gradient[i] *= below.units[i] * (1 - below.units[i]);
        }
        above = below.gradient;
      }
    }
    return out;
  }
}

// The network that a file of weights belongs to. Python sends no other kinds to the page.
/**
 * @param {Tensors} tensors
 * @returns {DigitNetwork}
 */
export function networkOf(tensors) {
  return "conv1.weight" in tensors ? new LeNet(tensors) : new Dense(tensors);
}
