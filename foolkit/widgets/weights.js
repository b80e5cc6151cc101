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

// A safetensors file: the length of a JSON header, the header (name, type, shape, place), numbers.
// Returns {name: Float64Array}.
/**
 * @param {DataView} view
 * @returns {Tensors}
 */
export function readSafetensors(view) {
  const length = Number(view.getBigUint64(0, true));
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  /** @type {Record<string, { dtype: string, data_offsets: [number, number] }>} */
  const { __metadata__, ...header } = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  /** @type {Tensors} */
  const tensors = {};
  for (const [name, { dtype, data_offsets: [start, end] }] of Object.entries(header)) {
    if (dtype !== "F16") throw new Error(`${name}: expected float16 weights, got ${dtype}`);
    const at = 8 + length + start;
    const numbers = tensors[name] = new Float64Array((end - start) / 2);
    for (let i = 0; i < numbers.length; i++) numbers[i] = float16(view.getUint16(at + 2 * i, true));
  }
  return tensors;
}
