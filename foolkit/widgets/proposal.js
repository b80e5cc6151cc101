// The first network of the face detector MTCNN (Zhang et al. 2016), and the boxes it proposes:
// foolkit/models/face_detector.py in the page, as far as there.
// @ts-check

import { convolved, leaked, planes, pooled } from "./convolutions.js";
import { shrunk } from "./resizing.js";

/** @import { Planes } from "./convolutions.js" */
/** @import { Tensors } from "./weights.js" */
/** @typedef {{ left: number, top: number, right: number, bottom: number, score: number }} Box */
/** @typedef {Box & { shift: number[] }} Candidate whose box lacks `shift` of its width or height */
/** @typedef {{ look(image: Planes): Looked, confidences(image: Float64Array): number[] }} Proposal */
/**
 * What the network says of all windows of a picture.
 *
 * @typedef {object} Looked
 * @property {number} width windows in a row
 * @property {number} height
 * @property {Float32Array} confidence that it is a face, of each window
 * @property {Float32Array} shift of left, top, right and bottom: four planes
 */

export const WINDOW = 12, STRIDE = 2; // pixels
const THRESHOLD = 0.6, SMALLEST = 20, FACTOR = 0.709;
const SAME_SCALE = 0.5, SAME_PLACE = 0.7; // overlap from which two boxes are one

/**
 * @param {Tensors} tensors
 * @returns {Proposal}
 */
export function proposalOf(tensors) {
  const layer = (/** @type {Planes} */ from, /** @type {string} */ name, /** @type {number} */ kernel) =>
    convolved(from, tensors[`${name}.weight`], tensors[`${name}.bias`], kernel);
  const rectified = (/** @type {Planes} */ from, /** @type {number} */ n) =>
    leaked(layer(from, `features.${n}`, 3), tensors[`features.${n + 1}.weight`]);

  // image: three planes in [0, 1], 12 pixels wide or more.
  /** @param {Planes} image */
  function look(image) {
    const scaled = { ...image, values: image.values.map((x) => (255 * x - 127.5) / 128) };
    const features = rectified(rectified(pooled(rectified(scaled, 0)), 3), 5);
    const { values, width, height } = layer(features, "face", 1), shift = layer(features, "box", 1).values;
    const confidence = Float32Array.from({ length: width * height }, (_, i) =>
      1 / (1 + Math.exp(values[i] - values[i + width * height])));
    return { width, height, confidence, shift };
  }
  return {
    look,
    // Of one window, 432 numbers in [0, 1], plane by plane: no face, and face.
    confidences(image) {
      const one = planes(3, WINDOW, WINDOW);
      one.values.set(image.subarray(0, one.values.length));
      const face = look(one).confidence[0];
      return [1 - face, face];
    },
  };
}

// The sizes at which the network looks at a frame: from faces of 20 pixels to those as tall as it.
/**
 * @param {number} width
 * @param {number} height
 */
export function pyramid(width, height) {
  const scales = [];
  for (let scale = WINDOW / SMALLEST; Math.min(width, height) * scale >= WINDOW; scale *= FACTOR) scales.push(scale);
  return scales;
}

// Of boxes that overlap by more than the threshold, as a share of both together, the surest stays.
/**
 * @template {Box} B
 * @param {B[]} boxes
 * @param {number} threshold
 */
function suppressed(boxes, threshold) {
  const area = (/** @type {Box} */ box) => (box.right - box.left) * (box.bottom - box.top);
  const shared = (/** @type {Box} */ one, /** @type {Box} */ other) =>
    Math.max(0, Math.min(one.right, other.right) - Math.max(one.left, other.left))
    * Math.max(0, Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top));
  /** @type {B[]} */
  const kept = [];
  for (const box of [...boxes].sort((a, b) => b.score - a.score)) {
    const alone = kept.every((other) => {
      const both = shared(box, other);
      return both <= threshold * (area(box) + area(other) - both);
    });
    if (alone) kept.push(box);
  }
  return kept;
}

// All windows of a frame, scale by scale: where each lies in it, and what the network says.
/**
 * @param {Proposal} net
 * @param {Planes} frame three planes in [0, 1]
 */
export function windowsOf(net, frame) {
  return pyramid(frame.width, frame.height).map((scale) => {
    const small = shrunk(frame, Math.trunc(frame.width * scale + 1), Math.trunc(frame.height * scale + 1));
    const { width, height, confidence, shift } = net.look(small);
    // as fine as Python's 32-bit numbers, which are then cut to whole pixels
    const pixel = (/** @type {number} */ place) => Math.floor(Math.fround(place / Math.fround(scale)));
    return Array.from(confidence, (score, i) => {
      const x = STRIDE * (i % width) + 1, y = STRIDE * Math.floor(i / width) + 1;
      return {
        left: pixel(x), top: pixel(y), right: pixel(x + WINDOW - 1), bottom: pixel(y + WINDOW - 1), score,
        shift: [0, 1, 2, 3].map((side) => shift[side * width * height + i]),
      };
    });
  });
}

// What is passed on to the second network: boxes, the surest first.
/**
 * @param {Candidate[][]} windows of each scale
 * @returns {Box[]}
 */
export function proposals(windows) {
  const candidates = windows.flatMap((all) => suppressed(all.filter(({ score }) => score >= THRESHOLD), SAME_SCALE));
  return suppressed(candidates, SAME_PLACE).map(({ left, top, right, bottom, score, shift }) => {
    const wide = right - left, high = bottom - top;
    return {
      left: left + shift[0] * wide, top: top + shift[1] * high,
      right: right + shift[2] * wide, bottom: bottom + shift[3] * high, score,
    };
  });
}
