// The networks that judge faces, forwards only.
// @ts-check

import { connect, filter, pool, rectify, windows } from "./layers.js";
import { Network } from "./network.js";

/** @import { Tensors } from "./weights.js" */

// A convolution of 1x1 mixes the channels, place by place: maps [channels][count] to out.
/**
 * @param {Float64Array} maps
 * @param {number} count of places
 * @param {Float64Array} filters
 * @param {Float64Array} biases
 * @param {Float64Array} out written
 */
function mix(maps, count, filters, biases, out) {
  const channels = maps.length / count;
  for (let f = 0; f < biases.length; f++) {
    const to = f * count;
    out.fill(biases[f], to, to + count);
    for (let channel = 0; channel < channels; channel++) {
      const weight = filters[f * channels + channel], from = channel * count;
      for (let place = 0; place < count; place++) out[to + place] += weight * maps[from + place];
    }
  }
}

// 1x32x32 -> 12 filters of 5x5, ReLU -> pool -> 16 filters of 1x1, ReLU -> the mean of each over the
// picture, or pool: 7x7 places -> units, ReLU -> 2 logits, of "no face" and "face". Only forwards.
export class FaceNet extends Network {
  /** @param {Tensors} tensors */
  constructor(tensors) {
    super();
    this.weights = tensors;
    const numbers = (/** @type {number} */ n) => new Float64Array(n);
    this.windows = numbers(784 * 25); this.maps1 = numbers(12 * 28 * 28);
    this.pooled1 = numbers(12 * 14 * 14); this.maps2 = numbers(16 * 14 * 14);
    this.units = numbers(tensors["fc1.bias"].length);
    this.pooled2 = numbers(tensors["fc1.weight"].length / this.units.length);
    this.winners = new Int32Array(this.pooled1.length); // of either pooling: nothing goes backwards
  }

  // image: 1024 numbers in [0, 1].
  /** @param {Float64Array} image */
  logits(image, out = new Float64Array(2)) {
    const w = this.weights;
    windows(image, 1, 32, this.windows);
    filter(this.windows, 784, 25, w["conv1.weight"], w["conv1.bias"], this.maps1);
    rectify(this.maps1);
    pool(this.maps1, 12, 28, this.pooled1, this.winners);
    mix(this.pooled1, 196, w["conv2.weight"], w["conv2.bias"], this.maps2);
    rectify(this.maps2);
    if (this.pooled2.length === 16) this.average();
    else pool(this.maps2, 16, 14, this.pooled2, this.winners);
    connect(this.pooled2, w["fc1.weight"], w["fc1.bias"], this.units);
    rectify(this.units);
    connect(this.units, w["fc2.weight"], w["fc2.bias"], out);
    return out;
  }

  // Each feature over the whole picture: how much of it there is, but not where.
  average() {
    this.pooled2.fill(0);
    this.maps2.forEach((value, i) => { this.pooled2[Math.floor(i / 196)] += value / 196; });
  }
}

// All face networks of one file, whose tensors are named NETWORK/TENSOR: a Map by their names.
/** @param {Tensors} tensors */
export function faceNets(tensors) {
  /** @type {Map<string, Tensors>} */
  const groups = new Map();
  for (const [path, numbers] of Object.entries(tensors)) {
    const end = path.lastIndexOf("/"), name = path.slice(0, end);
    groups.set(name, { ...groups.get(name), [path.slice(end + 1)]: numbers });
  }
  return new Map(Array.from(groups, ([name, group]) => [name, new FaceNet(group)]));
}
