// How confidence is told: in words and in one colour a class, the same as in every figure.
// @ts-check

export const CERTAIN = 0.9999; // the confidence that the paper and the article speak of
// One colour a digit (Petroff 2021)
export const CLASS_COLOURS = [
  "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6",
  "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
];

// Rounded down, so that nothing short of certain reads 100 %.
/** @param {number} confidence */
export function percent(confidence) {
  return `${(Math.floor(confidence * 1e4 + 1e-6) / 100).toFixed(2)} %`;
}
