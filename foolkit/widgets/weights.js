// The file format of the weights, safetensors.
// @ts-check

/** @typedef {Record<string, Float64Array>} Tensors by their names */

// A float16 number: 1 bit sign, 5 bits exponent, 10 bits fraction.
/** @param {number} bits */
export function float16(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction) : 2 ** -14 * fraction);
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
    tensors[name] = Float64Array.from({ length: (end - start) / 2 }, (_, i) =>
      float16(view.getUint16(at + 2 * i, true)));
  }
  return tensors;
}
