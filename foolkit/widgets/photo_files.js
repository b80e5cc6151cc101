// Pictures that a reader brings: from a file of any kind that the browser reads to square levels.
// @ts-check

import { paintLevels } from "./levels.js";
import { pen } from "./pictures.js";

const MOST = 64e6; // pixels: decoded, a picture takes four bytes for each

// The middle square of a picture, made as large as asked, on white: 8-bit levels, row by row, red,
// green and blue of each pixel. The browser turns it as its camera says, and gives the first of
// moving pictures.
/**
 * @param {CanvasImageSource} source
 * @param {number} width
 * @param {number} height
 * @param {number} size
 */
export function middleSquare(source, width, height, size) {
  const canvas = document.createElement("canvas"), side = Math.min(width, height);
  canvas.width = canvas.height = size;
  const context = pen(canvas);
  context.fillStyle = "#fff";
  context.fillRect(0, 0, size, size);
  context.imageSmoothingQuality = "high";
  context.drawImage(source, (width - side) / 2, (height - side) / 2, side, side, 0, 0, size, size);
  return withoutAlpha(context.getImageData(0, 0, size, size).data);
}

/** @param {Uint8ClampedArray} data four numbers for each pixel */
export function withoutAlpha(data) {
  const levels = new Uint8Array(data.length / 4 * 3);
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    levels.set(data.subarray(from, from + 3), to);
  }
  return levels;
}

// The levels of a file; an error in words where it holds no picture, or one that is too large. The
// size is known before the pixels are decoded.
/**
 * @param {Blob} file
 * @param {number} size
 */
export async function readPicture(file, size) {
  const address = URL.createObjectURL(file), image = new Image();
  try {
    await new Promise((resolve, reject) => {
      image.onload = resolve;
      image.onerror = () => reject(new Error("This is no picture that your browser can read."));
      image.src = address;
    });
    const { naturalWidth: width, naturalHeight: height } = image;
    if (width * height > MOST) {
      throw new Error(`This picture has ${Math.round(width * height / 1e6)} megapixels, and the page takes `
        + `${MOST / 1e6} at most. Save it smaller, and try again.`);
    }
    if (width * height === 0) throw new Error("This picture does not say how large it is.");
    return middleSquare(image, width, height, size);
  } finally {
    URL.revokeObjectURL(address);
  }
}

// The levels as a PNG file, whose pixels are these and no others.
/**
 * @param {Uint8Array} levels
 * @param {number} size
 * @returns {Promise<Blob>}
 */
export async function toPNG(levels, size) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  paintLevels(canvas, levels);
  const file = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!file) throw new Error("Your browser made no file.");
  const saved = await readPicture(file, size); // some browsers alter what a page reads, for privacy
  if (saved.some((level, at) => level !== levels[at])) {
    throw new Error("Your browser has altered the pixels of the file, and it is not what was judged.");
  }
  return file;
}
