// Arithmetic on lists of numbers.
// @ts-check

/** @param {number[] | Float64Array} logits */
export function softmax(logits) {
  const highest = Math.max(...logits); // so that no power overflows
  const powers = Array.from(logits, (z) => Math.exp(z - highest));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

/** @param {ArrayLike<number>} values */
export function indexOfLargest(values) {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}

/** @param {Float64Array} vector */
export const norm = (vector) => Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));

// Of ten confidences, the mean of the middle two.
/** @param {number[]} values */
export function median(values) {
  const ordered = [...values].sort((a, b) => a - b), middle = ordered.length / 2;
  return (ordered[Math.floor(middle - 0.5)] + ordered[Math.floor(middle)]) / 2;
}
