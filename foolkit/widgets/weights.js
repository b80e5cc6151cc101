// The file format of the weights, safetensors.
// @ts-check

/** @typedef {Record<string, Float64Array>} Tensors by their names */

const POWERS = Array.from({ length: 32 }, (_, exponent) => 2 ** (Math.max(exponent, 1) - 15));

// A float16 number: 1 bit sign, 5 bits exponent, 10 bits fraction.
/** @param {number} bits */
export function float16(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  return sign * POWERS[exponent] * (exponent ? 1 + fraction : fraction);
}

// The header of a safetensors file, and its length: texts as `__metadata__`, and of every tensor
// its type, shape and place.
/** @param {DataView} view */
function headerOf(view) {
  const length = Number(view.getBigUint64(0, true));
  const bytes = new Uint8Array(view.buffer, view.byteOffset + 8, length);
  return { length, header: JSON.parse(new TextDecoder().decode(bytes)) };
}

// The names of the classes, which a file may carry.
/**
 * @param {DataView} view
 * @returns {string[]}
 */
export const classesOf = (view) => JSON.parse(headerOf(view).header.__metadata__.classes);

// What reads one number of a type that a file may have, and its length in bytes.
/** @type {Record<string, [bytes: number, read: (view: DataView, at: number) => number]>} */
const TYPES = {
  F16: [2, (view, at) => float16(view.getUint16(at, true))],
  F32: [4, (view, at) => view.getFloat32(at, true)],
  U8: [1, (view, at) => view.getUint8(at)],
};

// A safetensors file: the length of a JSON header, the header, numbers. Returns {name: Float64Array}.
/**
 * @param {DataView} view
 * @returns {Tensors}
 */
export function readSafetensors(view) {
  const { length, header: { __metadata__, ...rest } } = headerOf(view);
  /** @type {Record<string, { dtype: string, data_offsets: [number, number] }>} */
  const header = rest;
  /** @type {Tensors} */
  const tensors = {};
  for (const [name, { dtype, data_offsets: [start, end] }] of Object.entries(header)) {
    if (!(dtype in TYPES)) throw new Error(`${name}: expected ${Object.keys(TYPES).join(", ")}, got ${dtype}`);
    const [bytes, read] = TYPES[dtype], at = 8 + length + start;
    const numbers = tensors[name] = new Float64Array((end - start) / bytes);
    for (let i = 0; i < numbers.length; i++) numbers[i] = read(view, at + bytes * i);
  }
  return tensors;
}
