// Mutation of genes between 0 and 1.
// @ts-check

/** @import { Random } from "./random.js" */

// Polynomial mutation (Deb 2001): each gene changes with probability `rate`, mostly a little,
// seldom far; the larger eta, the smaller the steps. Clipped to [0, 1].
/**
 * @param {Float32Array} genes
 * @param {number} rate
 * @param {number} eta
 * @param {Random} random
 */
export function mutate(genes, rate, eta, random) {
  const child = Float32Array.from(genes);
  for (let i = 0; i < child.length; i++) {
    if (random.next() >= rate) continue;
    const u = random.next();
    const step = u < 0.5
      ? (2 * u) ** (1 / (eta + 1)) - 1
      : 1 - (2 * (1 - u)) ** (1 / (eta + 1));
    child[i] = Math.min(1, Math.max(0, child[i] + step));
  }
  return child;
}
