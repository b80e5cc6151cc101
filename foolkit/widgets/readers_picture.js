// A picture of the reader's own, from a file, a drop or the clipboard; it never leaves the page.
// @ts-check

import { pen } from "./pictures.js";

const LEAST = 32; // pixels: what is smaller has nothing to recognise
const MOST = 100e6; // pixels: what is larger may fill the memory of a phone
const LARGEST = 100e6; // bytes

// The middle square of a picture as levels, row by row, red, green and blue of each pixel. What is
// transparent becomes white, an animation its first picture; the browser turns it as its camera says.
/**
 * @param {Blob} file
 * @param {number} size
 */
export async function readPicture(file, size) {
  if (file.size > LARGEST) throw new Error(`this file has ${mega(file.size)} megabytes; 100 are the most`);
  const image = new Image(), address = URL.createObjectURL(file);
  try {
    await new Promise((resolve, reject) => {
      image.onload = resolve;
      image.onerror = () => reject(new Error("this is no picture that the browser can read"));
      image.src = address;
    });
    checkSize(image);
    return squareOf(image, size);
  } finally {
    URL.revokeObjectURL(address);
  }
}

/** @param {number} count */
const mega = (count) => Math.round(count / 1e6);

/** @param {HTMLImageElement} image */
function checkSize({ naturalWidth: width, naturalHeight: height }) {
  if (Math.min(width, height) < LEAST) {
    throw new Error(`this picture has ${width} × ${height} pixels; ${LEAST} × ${LEAST} are the least`);
  }
  if (width * height > MOST) {
    throw new Error(`this picture has ${mega(width * height)} megapixels; 100 are the most`);
  }
}

/**
 * @param {HTMLImageElement} image
 * @param {number} size
 */
function squareOf(image, size) {
  const { naturalWidth: width, naturalHeight: height } = image, side = Math.min(width, height);
  const canvas = document.createElement("canvas"), context = pen(canvas);
  canvas.width = canvas.height = size;
  context.imageSmoothingQuality = "high";
  context.fillStyle = "#fff";
  context.fillRect(0, 0, size, size);
  context.drawImage(image, (width - side) / 2, (height - side) / 2, side, side, 0, 0, size, size);
  return withoutAlpha(context.getImageData(0, 0, size, size).data);
}

/** @param {Uint8ClampedArray} four */
const withoutAlpha = (four) => four.filter((_, i) => i % 4 < 3);

// Hears of pictures that are chosen, dropped on an element or pasted while it has the focus.
/**
 * @param {HTMLElement} root
 * @param {HTMLInputElement} chooser
 * @param {(file: Blob) => void} take
 * @param {(problem: string) => void} refuse
 */
export function hearOfPictures(root, chooser, take, refuse) {
  /** @param {DataTransfer | null} data */
  const takeFrom = (data) => {
    const file = [...(data?.files ?? [])].find(({ type }) => type.startsWith("image/"));
    if (file) take(file);
    else refuse("there was no picture in it");
  };
  chooser.addEventListener("change", () => {
    const file = chooser.files?.[0];
    if (file) take(file);
    chooser.value = ""; // so that the same file can be chosen again
  });
  root.addEventListener("dragover", (event) => event.preventDefault());
  root.addEventListener("drop", (event) => {
    event.preventDefault();
    takeFrom(event.dataTransfer);
  });
  root.addEventListener("paste", (event) => {
    if (!(event.target instanceof HTMLInputElement && event.target.type === "text")) takeFrom(event.clipboardData);
  });
}
