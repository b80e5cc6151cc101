// The networks, whole: the forward pass, and the gradient of an answer with respect to the pixels. Plain JavaScript, no library; the same numbers as in Python.
// @ts-check

import { softmax } from "./numbers.js";

/** @import { Tensors } from "./weights.js" */
/** @typedef {LeNet | Dense} DigitNetwork with ten logits, and their gradient */

// ---- Layers. An image of several channels lies in one array: channel after channel, row by row.

// Every 5x5 window of the image, with all its channels, as one row: rows [windows][channels * 25].
/**
 * @param {Float64Array} image
 * @param {number} channels
 * @param {number} size across the image
 * @param {Float64Array} rows written
 */
function windows(image, channels, size, rows) {
  const places = size - 4;
  let to = 0;
  for (let y = 0; y < places; y++) {
    for (let x = 0; x < places; x++) {
      for (let channel = 0; channel < channels; channel++) {
        let from = (channel * size + y) * size + x;
        for (let line = 0; line < 5; line++, from += size, to += 5) {
          rows[to] = image[from];
          rows[to + 1] = image[from + 1];
          rows[to + 2] = image[from + 2];
          rows[to + 3] = image[from + 3];
          rows[to + 4] = image[from + 4];
        }
      }
    }
  }
}

// A convolution asks of every window how well it fits every filter: bias + row . filter. Two
// filters and four windows at a time, so that each number that is read is used several times.
/**
 * @param {Float64Array} rows
 * @param {number} count of rows
 * @param {number} length of a row
 * @param {Float64Array} filters
 * @param {Float64Array} biases
 * @param {Float64Array} out written
 */
function filter(rows, count, length, filters, biases, out) {
  for (let f = 0; f < biases.length; f += 2) {
    const filterA = f * length, filterB = filterA + length;
    for (let r = 0; r < count; r += 4) {
      const row0 = r * length, row1 = row0 + length, row2 = row1 + length, row3 = row2 + length;
      let a0 = biases[f], a1 = a0, a2 = a0, a3 = a0;
      let b0 = biases[f + 1], b1 = b0, b2 = b0, b3 = b0;
      for (let k = 0; k < length; k++) {
        const a = filters[filterA + k], b = filters[filterB + k];
        const x0 = rows[row0 + k], x1 = rows[row1 + k], x2 = rows[row2 + k], x3 = rows[row3 + k];
        a0 += a * x0; a1 += a * x1; a2 += a * x2; a3 += a * x3;
        b0 += b * x0; b1 += b * x1; b2 += b * x2; b3 += b * x3;
      }
      const toA = f * count + r, toB = toA + count;
      out[toA] = a0; out[toA + 1] = a1; out[toA + 2] = a2; out[toA + 3] = a3;
      out[toB] = b0; out[toB + 1] = b1; out[toB + 2] = b2; out[toB + 3] = b3;
    }
  }
}

// The largest of every 2x2 pixels, and where it stood: only the winner matters, also backwards.
/**
 * @param {Float64Array} image
 * @param {number} channels
 * @param {number} size across the image
 * @param {Float64Array} out written
 * @param {Int32Array} winners written
 */
function pool(image, channels, size, out, winners) {
  let to = 0;
  for (let channel = 0; channel < channels; channel++) {
    for (let y = 0; y < size; y += 2) {
      for (let x = 0; x < size; x += 2, to++) {
        const corner = (channel * size + y) * size + x;
        let best = corner;
        if (image[corner + 1] > image[best]) best = corner + 1;
        if (image[corner + size] > image[best]) best = corner + size;
        if (image[corner + size + 1] > image[best]) best = corner + size + 1;
        out[to] = image[best];
        winners[to] = best;
      }
    }
  }
}

// Every output is connected with every input: bias + weights . input. Two outputs at a time, in
// two sums each: the processor need not wait for one addition before it starts the next.
/**
 * @param {Float64Array} input
 * @param {Float64Array} weights
 * @param {Float64Array} biases
 * @param {Float64Array} out written
 */
function connect(input, weights, biases, out) {
  const length = input.length, even = length - length % 2;
  for (let i = 0; i < out.length; i += 2) {
    const next = Math.min(i + 1, out.length - 1); // of an odd number, the last one twice
    const rowA = i * length, rowB = next * length;
    let a0 = biases[i], a1 = 0, b0 = biases[next], b1 = 0;
    for (let j = 0; j < even; j += 2) {
      const x0 = input[j], x1 = input[j + 1];
      a0 += weights[rowA + j] * x0; a1 += weights[rowA + j + 1] * x1;
      b0 += weights[rowB + j] * x0; b1 += weights[rowB + j + 1] * x1;
    }
    if (even < length) {
      a0 += weights[rowA + even] * input[even];
      b0 += weights[rowB + even] * input[even];
    }
    out[i] = a0 + a1;
    out[next] = b0 + b1;
  }
}

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

/** @param {Float64Array} values changed */
function rectify(values) {
  for (let i = 0; i < values.length; i++) if (values[i] < 0) values[i] = 0;
}

// ---- The same layers backwards: from the gradient at the output to the gradient at the input.

// Each output hands its gradient on along its weights. Most gradients are zero (units that the
// ReLU silenced, pixels that lost in the pooling): the others are collected, then taken four at a
// time. `start` and `count` say which part of `gradient` is meant.
const active = new Int32Array(1024);

/**
 * @param {ArrayLike<number>} gradient
 * @param {number} start
 * @param {number} count
 * @param {Float64Array} weights
 * @param {Float64Array} out written
 */
function connectBackward(gradient, start, count, weights, out) {
  const length = out.length;
  let found = 0;
  for (let i = 0; i < count; i++) if (gradient[start + i] !== 0) active[found++] = i;
  out.fill(0);
  for (let n = 0; n < found; n += 4) {
    const i = active[n], left = found - n; // fewer than four are left at the end
    const j = left > 1 ? active[n + 1] : i, k = left > 2 ? active[n + 2] : i;
    const l = left > 3 ? active[n + 3] : i;
    const a = gradient[start + i], b = left > 1 ? gradient[start + j] : 0;
    const c = left > 2 ? gradient[start + k] : 0, d = left > 3 ? gradient[start + l] : 0;
    const rowA = i * length, rowB = j * length, rowC = k * length, rowD = l * length;
    for (let m = 0; m < length; m++) {
      out[m] += a * weights[rowA + m] + b * weights[rowB + m]
        + c * weights[rowC + m] + d * weights[rowD + m];
    }
  }
}

// Only the winner of a pooling has a gradient; `out` is [places][channels], the order in which
// filterBackward needs it.
/**
 * @param {Float64Array} gradient
 * @param {Int32Array} winners
 * @param {number} channels
 * @param {number} size across the image
 * @param {Float64Array} out written
 */
function poolBackward(gradient, winners, channels, size, out) {
  const area = size * size, pooled = area / 4;
  out.fill(0);
  for (let p = 0; p < gradient.length; p++) {
    const channel = Math.floor(p / pooled);
    out[(winners[p] - channel * area) * channels + channel] = gradient[p];
  }
}

// At every place the filters were connected with one window: hand the gradient on to the window,
// and add it up where windows overlap.
/**
 * @param {Float64Array} gradient
 * @param {number} channels
 * @param {number} size across the image
 * @param {Float64Array} filters
 * @param {number} count of filters
 * @param {Float64Array} out written
 */
function filterBackward(gradient, channels, size, filters, count, out) {
  const places = size - 4, row = new Float64Array(channels * 25);
  out.fill(0);
  for (let y = 0, place = 0; y < places; y++) {
    for (let x = 0; x < places; x++, place++) {
      connectBackward(gradient, place * count, count, filters, row);
      for (let channel = 0, k = 0; channel < channels; channel++) {
        let to = (channel * size + y) * size + x;
        for (let line = 0; line < 5; line++, to += size, k += 5) {
          out[to] += row[k];
          out[to + 1] += row[k + 1];
          out[to + 2] += row[k + 2];
          out[to + 3] += row[k + 3];
          out[to + 4] += row[k + 4];
        }
      }
    }
  }
}

// ---- The networks. Those that read digits have logits(image) and gradient(direction), of 784
// numbers and of ten. ---------------------------------------------------------------------------

class Network {
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
function faceNets(tensors) {
  /** @type {Map<string, Tensors>} */
  const groups = new Map();
  for (const [path, numbers] of Object.entries(tensors)) {
    const end = path.lastIndexOf("/"), name = path.slice(0, end);
    groups.set(name, { ...groups.get(name), [path.slice(end + 1)]: numbers });
  }
  return new Map(Array.from(groups, ([name, group]) => [name, new FaceNet(group)]));
}

// The network that a file of weights belongs to. Python sends no other kinds to the page.
/**
 * @param {Tensors} tensors
 * @returns {DigitNetwork | Map<string, FaceNet>}
 */
export function networkOf(tensors) {
  if (Object.keys(tensors)[0].includes("/")) return faceNets(tensors);
  return "conv1.weight" in tensors ? new LeNet(tensors) : new Dense(tensors);
}

// How the loss, -log p_answer, changes with each pixel. With respect to the logits the gradient is
// p - onehot(answer): raise every other class in proportion to its confidence.
/**
 * @param {DigitNetwork} net
 * @param {Float64Array} image
 * @param {number} answer
 */
export function lossGradient(net, image, answer) {
  const direction = net.confidences(image);
  direction[answer] = -direction.reduce((sum, p, k) => (k === answer ? sum : sum + p), 0);
  return net.gradient(direction);
}
