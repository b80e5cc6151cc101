// Pictures in colour on a canvas.
// @ts-check

import { pen } from "./pictures.js";

// Levels, row by row, red, green and blue of each pixel.
/**
 * @param {HTMLCanvasElement} canvas
 * @param {Uint8ClampedArray} levels
 */
export function paintColours(canvas, levels) {
  const context = pen(canvas), data = context.createImageData(canvas.width, canvas.height);
  for (let i = 0; i < data.data.length; i++) data.data[i] = i % 4 < 3 ? levels[3 * (i >> 2) + (i % 4)] : 255;
  context.putImageData(data, 0, 0);
}

// The change from one picture to another, enlarged; grey is none.
/**
 * @param {Uint8ClampedArray} before
 * @param {Uint8ClampedArray} after
 * @param {number} times
 */
export const enlarged = (before, after, times) => before.map((level, i) => 127.5 + times * (after[i] - level));

// A file of the canvas as it is, without loss.
/**
 * @param {HTMLCanvasElement} canvas
 * @param {string} name
 */
export async function saveAsPng(canvas, name) {
  /** @type {Blob | null} */
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) throw new Error("this browser cannot write a PNG");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
