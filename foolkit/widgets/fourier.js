// The discrete Fourier transform, of any length.
// @ts-check

/** @typedef {{ re: Float64Array, im: Float64Array }} Complex */

/** @param {number} length */
export const zeros = (length) => ({ re: new Float64Array(length), im: new Float64Array(length) });

/** @param {number} n */
function smallestFactor(n) {
  for (let p = 2; p * p <= n; p++) if (n % p === 0) return p;
  return n;
}

// out[k] = sum over j of values[j] exp(2 pi i j k / n): the sum splits into those over every p-th j,
// for p the smallest factor of n, which are p shorter transforms (Cooley and Tukey 1965).
/**
 * @param {Complex} values
 * @returns {Complex}
 */
export function transformed({ re, im }) {
  const n = re.length;
  if (n === 1) return { re, im };
  const p = smallestFactor(n), m = n / p, out = zeros(n);
  for (let r = 0; r < p; r++) {
    const every = (/** @type {Float64Array} */ all) => Float64Array.from({ length: m }, (_, j) => all[p * j + r]);
    const part = m === 1 ? { re: every(re), im: every(im) } : transformed({ re: every(re), im: every(im) });
    for (let k = 0; k < n; k++) {
      const angle = 2 * Math.PI * ((r * k) % n) / n, cos = Math.cos(angle), sin = Math.sin(angle), from = k % m;
      out.re[k] += cos * part.re[from] - sin * part.im[from];
      out.im[k] += cos * part.im[from] + sin * part.re[from];
    }
  }
  return out;
}

// Of a square, rows first, then columns. values: size * size numbers, row by row.
/**
 * @param {Complex} values
 * @param {number} size
 */
export function transformedSquare(values, size) {
  const out = { re: values.re.slice(), im: values.im.slice() };
  for (const [step, stride] of [[1, size], [size, 1]]) {
    for (let line = 0; line < size; line++) {
      const at = (/** @type {number} */ i) => line * stride + i * step;
      const one = zeros(size);
      for (let i = 0; i < size; i++) {
        one.re[i] = out.re[at(i)];
        one.im[i] = out.im[at(i)];
      }
      const { re, im } = transformed(one);
      for (let i = 0; i < size; i++) {
        out.re[at(i)] = re[i];
        out.im[at(i)] = im[i];
      }
    }
  }
  return out;
}
