// SqueezeNet 1.1, of 1000 classes: foolkit/models/squeezenet.py in the page.
// @ts-check

import { Convolution, FeatureMap, MaxPool, pooledSize, rectifyBackward } from "./feature_maps.js";
import { softmax } from "./numbers.js";
import { rowsWithRoom, workspace } from "./products.js";

/** @import { Workspace } from "./products.js" */
/** @import { Tensors } from "./weights.js" */
/** @typedef {(logits: Float32Array) => number[]} Direction a slope for each logit */
/** @typedef {ReturnType<typeof squeezeNet>} PhotoNetwork */

const CLASSES = 1000, SMALLEST = 32;
const FIRES = [0, 1, 2, 3, 4, 5, 6, 7], POOLED = [0, 2, 4]; // before these stands a pool
// Numbers that the weights need, both ways; and the maps, for each pixel of the image
const FOR_WEIGHTS = 2.6e6, FOR_A_PIXEL = 160;

// What a gradient can be asked of, by how it changes with each logit; `target` is a class.
/** @type {(target: number) => Direction} */
export const logitOf = (target) => (logits) => Array.from(logits, (_, k) => Number(k === target));
/** @type {(target: number) => Direction} */
export const logProbabilityOf = (target) => (logits) => {
  const p = softmax(Float64Array.from(logits));
  return p.map((share, k) => Number(k === target) - share);
};
/** @type {(target: number) => Direction} */
export const crossEntropyOf = (target) => (logits) => logProbabilityOf(target)(logits).map((slope) => -slope);

// All layers for images of one size. A fire squeezes many channels into few, and expands these
// again, half by single pixels and half by windows of three by three.
/**
 * @param {Tensors} tensors
 * @param {number} size
 * @param {Workspace} space
 */
function layersOf(tensors, size, space) {
  const image = new FeatureMap(space, size, 3), start = Math.floor((size - 3) / 2) + 1;
  // the windows of the first layer: 27 numbers each, with room to 32; those of a fire need less
  const rows = space.numbers(rowsWithRoom(start * start) * 36);
  /**
   * @param {string} name
   * @param {FeatureMap} from
   * @param {FeatureMap} to
   * @param {{ stride?: number, padding?: number, channel?: number }} [options]
   */
  const convolution = (name, from, to, options = {}) => new Convolution(space, from, to,
    { weights: tensors[`${name}.weight`], biases: tensors[`${name}.bias`], rows, ...options });

  const first = convolution("first", image, new FeatureMap(space, start, 64), { stride: 2 });
  let from = first.to;
  const fires = FIRES.map((n) => {
    let pool = null;
    if (POOLED.includes(n)) {
      pool = new MaxPool(from, new FeatureMap(space, pooledSize(from.size), from.channels));
      from = pool.to;
    }
    const few = tensors[`fires.${n}.squeeze.bias`].length, many = tensors[`fires.${n}.expand1x1.bias`].length;
    const squeezed = new FeatureMap(space, from.size, few), out = new FeatureMap(space, from.size, 2 * many);
    const fire = {
      pool, squeezed, out,
      squeeze: convolution(`fires.${n}.squeeze`, from, squeezed),
      expand1x1: convolution(`fires.${n}.expand1x1`, squeezed, out),
      expand3x3: convolution(`fires.${n}.expand3x3`, squeezed, out, { padding: 1, channel: many }),
    };
    from = out;
    return fire;
  });
  const last = convolution("last", from, new FeatureMap(space, from.size, CLASSES));
  return { image, first, fires, last };
}

/** @typedef {ReturnType<typeof layersOf>} Layers */

// The logits of the image that is in its map: the last layer's mean over all places. Every
// convolution ends with a rectifier.
/** @param {Layers} layers */
function forward({ first, fires, last }) {
  first.forward();
  for (const { pool, squeeze, expand1x1, expand3x3 } of fires) {
    pool?.forward();
    squeeze.forward();
    expand1x1.forward();
    expand3x3.forward();
  }
  last.forward();
  const { values, places } = last.to, logits = new Float32Array(CLASSES);
  for (let at = 0; at < places * CLASSES; at++) logits[at % CLASSES] += values[at] / places;
  return logits;
}

// The same way back: from a slope for each logit to one for each pixel of the image.
/**
 * @param {Layers} layers
 * @param {number[]} direction
 */
function backward({ image, first, fires, last }, direction) {
  const { gradient, places } = last.to;
  for (let at = 0; at < places * CLASSES; at++) gradient[at] = direction[at % CLASSES] / places;
  rectifyBackward(last.to);
  last.backward();
  for (const { pool, squeeze, expand1x1, expand3x3, squeezed, out } of [...fires].reverse()) {
    rectifyBackward(out);
    expand1x1.backward(); // writes the gradient of what was squeezed
    expand3x3.backward(); // adds to it
    rectifyBackward(squeezed);
    squeeze.backward();
    pool?.backward();
  }
  rectifyBackward(first.to);
  image.gradient.fill(0);
  first.backward();
  return image.gradient.slice(0, image.places * 3);
}

// The network. Images are square, of 32 pixels or more, in [0, 1]: row by row, red, green and blue
// of each pixel. Layers are laid out anew when the size changes.
/**
 * @param {Tensors} tensors
 * @param {(bytes: number) => Workspace} [makeSpace]
 */
export function squeezeNet(tensors, makeSpace = workspace) {
  /** @type {Layers | null} */
  let layers = null;
  /**
   * @param {Float32Array} image
   * @param {number} size
   */
  function take(image, size) {
    if (!Number.isInteger(size) || size < SMALLEST) {
      throw new RangeError(`size: expected a whole number from ${SMALLEST}, got ${size}`);
    }
    if (image.length !== 3 * size * size) {
      throw new RangeError(`image: expected ${3 * size * size} numbers, got ${image.length}`);
    }
    if (layers?.image.size !== size) {
      layers = layersOf(tensors, size, makeSpace(4 * (FOR_WEIGHTS + FOR_A_PIXEL * size * size)));
    }
    layers.image.values.set(image);
    return layers;
  }
  return {
    // 1000 logits, none below zero.
    /**
     * @param {Float32Array} image
     * @param {number} size
     */
    logits(image, size) {
      return forward(take(image, size));
    },
    // What the last layer below the classes puts out, averaged over all places: 512 numbers, the
    // features of foolkit.bank.world.search.
    /**
     * @param {Float32Array} image
     * @param {number} size
     */
    features(image, size) {
      const of = take(image, size);
      forward(of);
      const { values, places, channels } = of.fires[FIRES.length - 1].out, features = new Float64Array(channels);
      for (let at = 0; at < places * channels; at++) features[at % channels] += values[at] / places;
      return features;
    },
    // How a quantity, such as logProbabilityOf(9), changes with each number of the image; and the
    // logits of the image as it is.
    /**
     * @param {Float32Array} image
     * @param {number} size
     * @param {Direction} directionOf
     */
    gradient(image, size, directionOf) {
      const of = take(image, size), logits = forward(of);
      return { logits, gradient: backward(of, directionOf(logits)) };
    },
  };
}
