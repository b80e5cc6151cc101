// Pictures on a canvas, and their bytes.
// @ts-check

import { element } from "./page.js";

export function picture(label, attributes = {}) {
  return element("canvas", {
    width: 28, height: 28, role: "img", "aria-label": label, class: "fk-picture", ...attributes,
  });
}

// As many pixels as the canvas has.
export function paint(canvas, pixels) {
  const context = canvas.getContext("2d"), data = context.createImageData(canvas.width, canvas.height);
  for (let i = 0; i < pixels.length; i++) {
    data.data.fill(Math.round(255 * pixels[i]), 4 * i, 4 * i + 3);
    data.data[4 * i + 3] = 255;
  }
  context.putImageData(data, 0, 0);
}

// Bytes of Python (a DataView) to numbers in [0, 1], image by image, and back.
export function fromBytes(view, index = 0) {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + 784 * index, 784);
  return Float64Array.from(bytes, (byte) => byte / 255);
}

export function toBytes(...images) {
  const bytes = new Uint8Array(784 * images.length);
  images.forEach((image, n) => {
    for (let i = 0; i < 784; i++) bytes[784 * n + i] = Math.round(255 * image[i]);
  });
  return new DataView(bytes.buffer);
}
