// Pictures of 255 levels on a canvas.
// @ts-check

import { pen } from "./pictures.js";

// Row by row, red, green and blue of each pixel, on a canvas of as many pixels.
/**
 * @param {HTMLCanvasElement} canvas
 * @param {ArrayLike<number>} levels
 */
export function paintLevels(canvas, levels) {
  const context = pen(canvas), { data } = context.createImageData(canvas.width, canvas.height);
  for (let from = 0, to = 0; from < levels.length; from += 3, to += 4) {
    for (let c = 0; c < 3; c++) data[to + c] = levels[from + c];
    data[to + 3] = 255;
  }
  context.putImageData(new ImageData(data, canvas.width, canvas.height), 0, 0);
}

// The same of one level a pixel.
/**
 * @param {HTMLCanvasElement} canvas
 * @param {ArrayLike<number>} levels
 */
export function paintGrey(canvas, levels) {
  paintLevels(canvas, Uint8Array.from({ length: 3 * levels.length }, (_, i) => levels[Math.floor(i / 3)]));
}
