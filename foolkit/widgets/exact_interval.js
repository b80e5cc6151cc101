// The exact interval of a share, as foolkit.analysis.exact_interval (Clopper and Pearson 1934).
// @ts-check

const HALVINGS = 100; // of the logarithm of a share: far more than a number has digits

// The logarithm of the gamma function, to some fifteen digits (Lanczos 1964, g = 7, nine terms).
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];
/** @param {number} x above zero */
function logGamma(x) {
  const shifted = x + 6.5;
  const sum = LANCZOS.reduce((all, term, n) => (n ? all + term / (x - 1 + n) : term), 0);
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(shifted) - shifted + Math.log(sum);
}

// The continued fraction of the incomplete beta function (Lentz's way; Press et al. 2007, 6.4).
/**
 * @param {number} x
 * @param {number} a
 * @param {number} b
 */
function fraction(x, a, b) {
  const apart = (/** @type {number} */ number) => (Math.abs(number) < 1e-300 ? 1e-300 : number);
  let c = 1, d = 1 / apart(1 - (a + b) * x / (a + 1)), product = d;
  for (let m = 1; m < 100_000; m++) {
    const even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    let last = 1;
    for (const term of [even, odd]) {
      d = 1 / apart(1 + term * d);
      c = apart(1 + term / c);
      last = c * d;
      product *= last;
    }
    if (Math.abs(last - 1) < 1e-14) break;
  }
  return product;
}

// P(X <= x) of a beta distribution.
/**
 * @param {number} x in (0, 1)
 * @param {number} a
 * @param {number} b
 */
function betaShare(x, a, b) {
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  return x < (a + 1) / (a + b + 2) ? front * fraction(x, a, b) / a : 1 - front * fraction(1 - x, b, a) / b;
}

// The x below which a share `level` of that distribution lies.
/**
 * @param {number} level
 * @param {number} a
 * @param {number} b
 */
function betaQuantile(level, a, b) {
  let low = -700, high = 0; // logarithms: shares may be very small
  for (let n = 0; n < HALVINGS; n++) {
    const middle = (low + high) / 2, x = Math.exp(middle);
    if (x < 1 && betaShare(x, a, b) < level) low = middle;
    else high = middle;
  }
  return Math.exp(high);
}

// Both ends of the interval of a share; each side has half of the error.
/**
 * @param {number} hits 0 to trials
 * @param {number} trials independent ones, at least one
 * @returns {[number, number]}
 */
export function exactInterval(hits, trials, level = 0.95) {
  const half = (1 - level) / 2;
  return [
    hits === 0 ? 0 : betaQuantile(half, hits, trials - hits + 1),
    hits === trials ? 1 : betaQuantile(1 - half, hits + 1, trials - hits),
  ];
}
