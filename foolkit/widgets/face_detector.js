// The face detector MTCNN (Zhang et al. 2016): foolkit/models/mtcnn.py and face_detector.py in the page.
// @ts-check

import { convolved, leaked, planes, pooled } from "./convolutions.js";
import { shrunk } from "./resizing.js";

/** @import { Planes } from "./convolutions.js" */
/** @import { Tensors } from "./weights.js" */
/** @typedef {{ left: number, top: number, right: number, bottom: number, score: number }} Box */
/** @typedef {Box & { shift: number[] }} Candidate whose box lacks `shift` of its width or height */
/** @typedef {ReturnType<typeof faceNetworkOf>} FaceNetwork one of the three */
/**
 * What a network says of all windows of a picture.
 *
 * @typedef {object} Looked
 * @property {number} width windows in a row
 * @property {number} height
 * @property {Float32Array} confidence that it is a face, of each window
 * @property {Float32Array} shift of left, top, right and bottom: four planes
 */

export const WINDOW = 12, STRIDE = 2; // of the first network, in pixels
const THRESHOLDS = [0.6, 0.7, 0.7], SMALLEST = 20, FACTOR = 0.709;
const SAME_SCALE = 0.5, SAME_PLACE = 0.7; // overlap from which two boxes are one

// Of each network: its window, and its layers, by their numbers and how many pixels are pooled then.
const PROPOSAL = { size: WINDOW, layers: [[0, 2], [3, 0], [5, 0]] };
const REFINE = { size: 24, layers: [[0, 3], [3, 3], [6, 0], [9, 0]] };
const OUTPUT = { size: 48, layers: [[0, 3], [3, 3], [6, 2], [9, 0], [12, 0]] };

// The network that a file of weights belongs to.
/** @param {Tensors} tensors */
export function faceNetworkOf(tensors) {
  const has = (/** @type {number} */ layer) => `features.${layer}.weight` in tensors;
  const { size, layers } = has(12) ? OUTPUT : has(9) ? REFINE : PROPOSAL;
  const layer = (/** @type {Planes} */ from, /** @type {string} */ name) =>
    convolved(from, tensors[`${name}.weight`], tensors[`${name}.bias`]);

  // image: three planes in [0, 1], as wide as a window or, for the first network, wider.
  /**
   * @param {Planes} image
   * @returns {Looked}
   */
  function look(image) {
    /** @type {Planes} */
    let features = { ...image, values: image.values.map((x) => (255 * x - 127.5) / 128) };
    for (const [n, pool] of layers) {
      features = leaked(layer(features, `features.${n}`), tensors[`features.${n + 1}.weight`]);
      if (pool) features = pooled(features, pool);
    }
    const { values, width, height } = layer(features, "face"), shift = layer(features, "box").values;
    const confidence = Float32Array.from({ length: width * height }, (_, i) =>
      1 / (1 + Math.exp(values[i] - values[i + width * height])));
    return { width, height, confidence, shift };
  }
  return {
    size, look,
    // Of one window, plane by plane in [0, 1]: no face, and face.
    confidences(/** @type {Float64Array} */ image) {
      const one = planes(3, size, size);
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
// `smaller`: as a share of the smaller box, and sides count their last pixel, as at the end.
/**
 * @template {Box} B
 * @param {B[]} boxes
 * @param {number} threshold
 * @param {boolean} [smaller]
 */
function suppressed(boxes, threshold, smaller = false) {
  const pixel = Number(smaller);
  const area = (/** @type {Box} */ box) => (box.right - box.left + pixel) * (box.bottom - box.top + pixel);
  const shared = (/** @type {Box} */ one, /** @type {Box} */ other) =>
    Math.max(0, Math.min(one.right, other.right) - Math.max(one.left, other.left) + pixel)
    * Math.max(0, Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) + pixel);
  /** @type {B[]} */
  const kept = [];
  for (const box of [...boxes].sort((a, b) => b.score - a.score)) {
    const alone = kept.every((other) => {
      const both = shared(box, other), sum = area(box) + area(other);
      return both <= threshold * (smaller ? Math.min(area(box), area(other)) : sum - both);
    });
    if (alone) kept.push(box);
  }
  return kept;
}

// The box, moved by what it lacks.
/**
 * @param {Candidate} candidate
 * @param {number} pixel
 * @returns {Box}
 */
function shifted({ left, top, right, bottom, score, shift }, pixel) {
  const wide = right - left + pixel, high = bottom - top + pixel;
  return {
    left: left + shift[0] * wide, top: top + shift[1] * high,
    right: right + shift[2] * wide, bottom: bottom + shift[3] * high, score,
  };
}

// All windows of a frame, scale by scale: where each lies in it, and what the network says.
/**
 * @param {FaceNetwork} net
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
 */
export function proposals(windows) {
  const sure = (/** @type {Candidate} */ { score }) => score >= THRESHOLDS[0];
  const candidates = windows.flatMap((all) => suppressed(all.filter(sure), SAME_SCALE));
  return suppressed(candidates, SAME_PLACE).map((box) => shifted(box, 0));
}

// What is in the square about a box, made as large as a network's window; null: nothing of it lies
// in the frame. Boxes count pixels from 1.
/**
 * @param {Planes} frame
 * @param {Box} square
 * @param {number} size
 */
function crop(frame, { left, top, right, bottom }, size) {
  const x = Math.max(1, Math.trunc(left)) - 1, y = Math.max(1, Math.trunc(top)) - 1;
  const width = Math.min(frame.width, Math.trunc(right)) - x, height = Math.min(frame.height, Math.trunc(bottom)) - y;
  if (width <= 0 || height <= 0) return null;
  const part = planes(3, width, height);
  for (let row = 0; row < 3 * height; row++) {
    const from = (Math.floor(row / height) * frame.height + y + row % height) * frame.width + x;
    part.values.set(frame.values.subarray(from, from + width), row * width);
  }
  return shrunk(part, size, size);
}

// The square about the middle of a box, as wide as its longer side.
/** @param {Box} box */
function squareAbout({ left, top, right, bottom, score }) {
  const wide = right - left, high = bottom - top, side = Math.max(wide, high);
  const [x, y] = [left + wide / 2 - side / 2, top + high / 2 - side / 2];
  return { left: x, top: y, right: x + side, bottom: y + side, score };
}

// The second network looks at what the first proposes, the third at what is left. A generator:
// yields null after every box, and at last the faces, the surest first.
/**
 * @param {FaceNetwork[]} nets the second and the third
 * @param {Planes} frame
 * @param {Box[]} proposed
 * @returns {Generator<Box[] | null, void>}
 */
export function* facesAmong(nets, frame, proposed) {
  let boxes = proposed;
  for (const [n, net] of nets.entries()) {
    /** @type {Candidate[]} */
    const sure = [];
    for (const square of boxes.map(squareAbout)) {
      const seen = crop(frame, square, net.size);
      if (!seen) continue;
      const { confidence: [score], shift } = net.look(seen);
      if (score > THRESHOLDS[n + 1]) sure.push({ ...square, score, shift: Array.from(shift) });
      yield null;
    }
    // the second compares boxes as they are and moves them then, the third the other way round
    boxes = n === 0 ? suppressed(sure, SAME_PLACE).map((box) => shifted(box, 1))
      : suppressed(sure.map((box) => shifted(box, 1)), SAME_PLACE, true);
  }
  yield boxes;
}
