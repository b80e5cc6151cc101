// Products of matrices, which is where a network's time goes.
// @ts-check

import { PROGRAM } from "./product_program.js";

// Rows are taken four at a time and columns eight: so a matrix has room for a multiple of four
// rows, whatever is in those beyond its own, and a multiple of eight columns.
const GROUP = 4, PANEL = 8;
const PAGE = 65536; // bytes of WebAssembly's memory

/**
 * @param {number} n
 * @param {number} unit
 */
const roundUp = (n, unit) => Math.ceil(n / unit) * unit;
export const rowsWithRoom = (/** @type {number} */ rows) => roundUp(rows, GROUP);
export const columnsWithRoom = (/** @type {number} */ columns) => roundUp(columns, PANEL);

/**
 * The matrix on the right of a product, and what is added to each of its columns.
 *
 * @typedef {object} Right
 * @property {number} length of a column, a multiple of four
 * @property {number} columns a multiple of eight
 * @property {Float32Array} weights eight columns after eight columns; within, row by row
 * @property {Float32Array} biases
 */
/**
 * A matrix on the left, or a result: row after row, `step` numbers from one to the next.
 *
 * @typedef {{ numbers: Float32Array, step: number }} Rows
 */
/** @typedef {(left: Rows, count: number, right: Right, out: Rows, least?: number) => void} Multiply */
/**
 * Numbers in one memory, zero at first, and the product of such: out = left right + biases, or
 * `least` where that is less.
 *
 * @typedef {object} Workspace
 * @property {(count: number) => Float32Array} numbers
 * @property {Multiply} multiply
 */

// The program of product_program.js, in JavaScript: it says the same, five times as slowly. Two
// rows and four columns at a time, since a processor has no more registers to spare.
/** @type {Multiply} */
function multiplyPlainly(left, count, { length, columns, weights, biases }, out, least = -Infinity) {
  for (let column = 0; column < columns; column += 4) {
    const start = (column - column % PANEL) * length + column % PANEL;
    for (let row = 0; row < rowsWithRoom(count); row += 2) {
      let a0 = biases[column], a1 = biases[column + 1], a2 = biases[column + 2], a3 = biases[column + 3];
      let b0 = a0, b1 = a1, b2 = a2, b3 = a3;
      const rowA = row * left.step, rowB = rowA + left.step;
      for (let k = 0, at = start; k < length; k++, at += PANEL) {
        const a = left.numbers[rowA + k], b = left.numbers[rowB + k];
        const w0 = weights[at], w1 = weights[at + 1], w2 = weights[at + 2], w3 = weights[at + 3];
        a0 += a * w0; a1 += a * w1; a2 += a * w2; a3 += a * w3;
        b0 += b * w0; b1 += b * w1; b2 += b * w2; b3 += b * w3;
      }
      const toA = row * out.step + column, toB = toA + out.step, to = out.numbers;
      to[toA] = Math.max(a0, least); to[toA + 1] = Math.max(a1, least);
      to[toA + 2] = Math.max(a2, least); to[toA + 3] = Math.max(a3, least);
      to[toB] = Math.max(b0, least); to[toB + 1] = Math.max(b1, least);
      to[toB + 2] = Math.max(b2, least); to[toB + 3] = Math.max(b3, least);
    }
  }
}

// Hands out the numbers of a memory one after the other.
/** @param {ArrayBuffer} memory */
function handOut(memory) {
  let used = 0;
  return (/** @type {number} */ count) => {
    const numbers = new Float32Array(memory, used, count);
    used += roundUp(4 * count, 16);
    return numbers;
  };
}

/**
 * @param {number} bytes
 * @returns {Workspace}
 */
export function plainWorkspace(bytes) {
  return { numbers: handOut(new ArrayBuffer(bytes)), multiply: multiplyPlainly };
}

// Null where a browser lacks WebAssembly's vectors, or a page forbids it.
/**
 * @param {number} bytes
 * @returns {Workspace | null}
 */
export function vectorWorkspace(bytes) {
  let module;
  try {
    module = new WebAssembly.Module(PROGRAM);
  } catch {
    return null;
  }
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE) });
  const { exports } = new WebAssembly.Instance(module, { environment: { memory } });
  const program = /** @type {(...parameters: number[]) => void} */ (exports.multiply);
  return {
    numbers: handOut(memory.buffer),
    multiply(left, count, { length, columns, weights, biases }, out, least = -Infinity) {
      program(left.numbers.byteOffset, 4 * left.step, rowsWithRoom(count) / GROUP, length / 4,
        columns / PANEL, weights.byteOffset, biases.byteOffset, out.numbers.byteOffset, 4 * out.step, least);
    },
  };
}

/** @param {number} bytes */
export const workspace = (bytes) => vectorWorkspace(bytes) ?? plainWorkspace(bytes);
