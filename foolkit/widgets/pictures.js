// Pictures on a canvas, and their bytes.
// @ts-check

import { element } from "./page.js";

/** @import { Attributes } from "./page.js" */

/**
 * @param {string} label
 * @param {Attributes} [attributes]
 */
export function picture(label, attributes = {}) {
  return element("canvas", {
    width: 28, height: 28, role: "img", "aria-label": label, class: "fk-picture", ...attributes,
  });
}

// The pen of a canvas.
/** @param {HTMLCanvasElement} canvas */
export function pen(canvas) {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this browser cannot draw");
  return context;
}

// As many pixels as the canvas has.
/**
 * @param {HTMLCanvasElement} canvas
 * @param {Float64Array} pixels
 */
export function paint(canvas, pixels) {
  const context = pen(canvas), data = context.createImageData(canvas.width, canvas.height);
  for (let i = 0; i < pixels.length; i++) {
    data.data.fill(Math.round(255 * pixels[i]), 4 * i, 4 * i + 3);
    data.data[4 * i + 3] = 255;
  }
  context.putImageData(data, 0, 0);
}

// Bytes of Python (a DataView) to numbers in [0, 1], image by image, and back.
/**
 * @param {DataView} view
 * @param {number} [index]
 */
export function fromBytes(view, index = 0) {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + 784 * index, 784);
  return Float64Array.from(bytes, (byte) => byte / 255);
}

/** @param {Float64Array[]} images */
export function toBytes(...images) {
  const bytes = new Uint8Array(784 * images.length);
  images.forEach((image, n) => {
    for (let i = 0; i < 784; i++) bytes[784 * n + i] = Math.round(255 * image[i]);
  });
  return new DataView(bytes.buffer);
}
