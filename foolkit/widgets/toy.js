// Five small models of points in the plane, trained while the reader watches. A point is [x, y],
// a labelled one [x, y, class]. Each model says, for a point, one confidence a class.
// @ts-check

import { indexOfLargest, softmax } from "./numbers.js";

/** @import { Random } from "./random.js" */
/** @typedef {number[]} Point [x, y], and the class of a labelled one */
/**
 * @typedef {object} ToyModel
 * @property {Float64Array} parameters
 * @property {(points: Point[], gradient: Float64Array) => void} slope adds to the gradient
 * @property {(point: Point) => number[]} confidences
 */
/** @typedef {(scores: number[], label: number) => number[]} Loss its slope at the scores */

export const TOY_CLASSES = 3;

// Adam (Kingma and Ba 2015) on all points at once. `model.slope(points, gradient)` adds the gradient
// of its mean loss. A generator that yields now and then: a page draws in between.
/**
 * @param {ToyModel} model
 * @param {Point[]} points
 */
export function* train(model, points, steps = 600, rate = 0.03) {
  const { parameters } = model, size = parameters.length;
  const [gradient, mean, square] = Array.from({ length: 3 }, () => new Float64Array(size));
  for (let step = 1; step <= steps && points.length; step++) {
    gradient.fill(0);
    model.slope(points, gradient);
    for (let i = 0; i < size; i++) {
      mean[i] = 0.9 * mean[i] + 0.1 * gradient[i];
      square[i] = 0.99 * square[i] + 0.01 * gradient[i] ** 2;
      parameters[i] -= rate * (mean[i] / (1 - 0.9 ** step))
        / (Math.sqrt(square[i] / (1 - 0.99 ** step)) + 1e-8);
    }
    if (step % 20 === 0) yield step;
  }
}

// Two losses for a network's scores: what each says of the slope at the scores.
/** @type {Record<"softmax" | "hinge", Loss>} */
const LOSSES = {
  softmax(scores, label) { // cross-entropy: it wants the probability 1
    return softmax(scores).map((share, k) => share - (k === label ? 1 : 0));
  },
  hinge(scores, label) { // Crammer and Singer (2001): content once it leads by a margin of 1
    const slope = scores.map(() => 0);
    const rival = indexOfLargest(scores.map((z, k) => (k === label ? -Infinity : z)));
    if (scores[label] < scores[rival] + 1) { slope[rival] = 1; slope[label] = -1; }
    return slope;
  },
};

// Layers of sums with rectifiers between them; [2, 3] is a linear model. Confidence is the softmax
// of the scores: a hinge has no probability of its own.
export class Perceptron {
  /**
   * @param {number[]} sizes
   * @param {"softmax" | "hinge"} loss
   * @param {Random} random
   */
  constructor(sizes, loss, random, decay = 1e-4) {
    this.sizes = sizes;
    this.loss = LOSSES[loss];
    this.decay = decay;
    this.starts = [0];
    sizes.slice(1).forEach((to, n) => this.starts.push(this.starts[n] + to * (sizes[n] + 1)));
    this.parameters = new Float64Array(this.starts[this.starts.length - 1]);
    this.each((at, from) => { this.parameters[at] = (2 * random.next() - 1) * Math.sqrt(3 / from); });
  }
  /** @param {(place: number, inputs: number) => void} visit */
  each(visit) { // every weight, none of the constant terms
    for (let n = 0; n + 1 < this.sizes.length; n++) {
      const from = this.sizes[n];
      for (let j = 0; j < this.sizes[n + 1]; j++) {
        for (let i = 0; i < from; i++) visit(this.starts[n] + j * (from + 1) + i, from);
      }
    }
  }
  /** @param {Point} point */
  run(point) { // what every layer says
    const values = [[point[0], point[1]]];
    for (let n = 0; n + 1 < this.sizes.length; n++) {
      const from = this.sizes[n], last = n + 2 === this.sizes.length, input = values[n];
      /** @type {number[]} */
      const out = [];
      for (let j = 0; j < this.sizes[n + 1]; j++) {
        const at = this.starts[n] + j * (from + 1);
        let sum = this.parameters[at + from];
        for (let i = 0; i < from; i++) sum += this.parameters[at + i] * input[i];
        out.push(last ? sum : Math.max(0, sum));
      }
      values.push(out);
    }
    return values;
  }
  /**
   * @param {Point[]} points
   * @param {Float64Array} gradient changed
   */
  slope(points, gradient) {
    for (const point of points) {
      const values = this.run(point);
      let back = this.loss(values[values.length - 1], point[2]);
      for (let n = this.sizes.length - 2; n >= 0; n--) {
        const from = this.sizes[n], earlier = new Array(from).fill(0);
        for (let j = 0; j < this.sizes[n + 1]; j++) {
          const at = this.starts[n] + j * (from + 1);
          gradient[at + from] += back[j] / points.length;
          for (let i = 0; i < from; i++) {
            gradient[at + i] += back[j] * values[n][i] / points.length;
            earlier[i] += back[j] * this.parameters[at + i];
          }
        }
        back = earlier.map((slope, i) => (values[n][i] > 0 ? slope : 0));
      }
    }
    this.each((at) => { gradient[at] += this.decay * this.parameters[at]; });
  }
  /** @param {Point} point */
  confidences(point) {
    const values = this.run(point);
    return softmax(values[values.length - 1]);
  }
}

// Radial basis functions: a class's score is exp(-b |x - m|^2) of the best of its three bumps. The
// scores need not add up to one: far from every bump, all are near 0.
const BUMPS = 3;
export class RadialBasis {
  /**
   * @param {Point[]} points
   * @param {Random} random
   */
  constructor(points, random) {
    this.parameters = new Float64Array(TOY_CLASSES * BUMPS * 3); // m, and the logarithm of b
    for (let k = 0; k < TOY_CLASSES; k++) {
      const own = points.filter((point) => point[2] === k);
      for (let bump = 0; bump < BUMPS; bump++) {
        const seed = own[Math.floor(own.length * random.next())] ?? [0, 0];
        this.parameters.set([seed[0], seed[1], 0], (k * BUMPS + bump) * 3);
      }
    }
  }
  /**
   * @param {Point} point
   * @param {number} k
   */
  best(point, k) { // place and exponent of the bump of class k that says most
    let place = 0, least = Infinity;
    for (let bump = 0; bump < BUMPS; bump++) {
      const at = (k * BUMPS + bump) * 3, [x, y, b] = this.parameters.subarray(at, at + 3);
      const exponent = Math.exp(b) * ((point[0] - x) ** 2 + (point[1] - y) ** 2);
      if (exponent < least) { least = exponent; place = at; }
    }
    return [place, least];
  }
  /**
   * @param {Point[]} points
   * @param {Float64Array} gradient changed
   */
  slope(points, gradient) { // binary cross-entropy of each class on its own
    for (const point of points) {
      for (let k = 0; k < TOY_CLASSES; k++) {
        const [at, exponent] = this.best(point, k);
        // d loss / d exponent: 1 for the own class; -p / (1 - p) for another, at most -100
        const outer = (point[2] === k ? 1 : -1 / Math.max(0.01, Math.expm1(exponent))) / points.length;
        const sharp = Math.exp(this.parameters[at + 2]);
        gradient[at] -= outer * sharp * 2 * (point[0] - this.parameters[at]);
        gradient[at + 1] -= outer * sharp * 2 * (point[1] - this.parameters[at + 1]);
        gradient[at + 2] += outer * exponent;
      }
    }
  }
  /** @param {Point} point */
  confidences(point) {
    return Array.from({ length: TOY_CLASSES }, (_, k) => Math.exp(-this.best(point, k)[1]));
  }
}

// The five nearest points vote; confidence is the share of the votes. Nothing is trained.
export class Neighbours {
  /** @param {Point[]} points */
  constructor(points) {
    this.points = points;
    this.parameters = new Float64Array(0);
  }
  slope() {}
  /** @param {Point} point */
  confidences(point) {
    const near = this.points
      .map(([x, y, label]) => [(x - point[0]) ** 2 + (y - point[1]) ** 2, label])
      .sort((a, b) => a[0] - b[0]).slice(0, 5);
    const votes = new Array(TOY_CLASSES).fill(0);
    for (const [, label] of near) votes[label] += 1 / near.length;
    return votes;
  }
}

/** @type {Record<string, { label: string, make: (points: Point[], random: Random) => ToyModel }>} */
export const TOY_MODELS = {
  softmax: { label: "network, softmax", make: (_, random) => new Perceptron([2, 16, 16, 3], "softmax", random) },
  hinge: { label: "network, hinge", make: (_, random) => new Perceptron([2, 16, 16, 3], "hinge", random) },
  svm: { label: "linear, hinge (SVM)", make: (_, random) => new Perceptron([2, 3], "hinge", random, 1e-3) },
  rbf: { label: "RBF network", make: (points, random) => new RadialBasis(points, random) },
  knn: { label: "5 nearest neighbours", make: (points) => new Neighbours(points) },
};

// Distance to the nearest of the points, Infinity where there is none.
/**
 * @param {Point} point
 * @param {Point[]} points
 */
export function toNearest(point, points) {
  return points.reduce(
    (least, [x, y]) => Math.min(least, Math.hypot(x - point[0], y - point[1])), Infinity);
}
