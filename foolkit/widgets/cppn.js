// Networks that compose patterns: the encoding of foolkit.encodings.CPPN, with one output or more.
// @ts-check

import { mutate } from "./mutation.js";

/** @import { Random } from "./random.js" */
/** @typedef {{ source: number, target: number, weight: number }} Link */
/** @typedef {{ activations: (string | null)[], links: Link[] }} Genome */
/** @typedef {{ node: number, activation: string, heard: Link[] }} Step of a program */
/** @typedef {{ activations: (string | null)[], links: [number, number, number][] }} Sent */
/**
 * @typedef {object} Settings as in Python
 * @property {string[]} activations that nodes may have
 * @property {number} max_hidden
 * @property {number} max_links
 * @property {number} weight_limit
 * @property {number} weight_rate
 * @property {number} eta
 * @property {number} activation_rate
 * @property {number} add_link
 * @property {number} delete_link
 * @property {number} add_node
 * @property {number} delete_node
 * @property {number} [outputs] by default one: grey
 */

// What a node does with the weighted sum p of its links; all stay within [-1, 1].
/** @type {Record<string, [(p: number) => number, string]>} */
const ACTIVATIONS = {
  sine: [Math.sin, "sin(p)"],
  sigmoid: [(p) => 2 / (1 + Math.exp(-p)) - 1, "2 / (1 + exp(-p)) - 1"],
  gaussian: [(p) => Math.exp(-p * p), "exp(-p^2)"],
  linear: [(p) => Math.min(Math.max(p, -3), 3) / 3, "min(max(p, -3), 3) / 3"],
  tanh: [(p) => Math.tanh(5 * p), "tanh(5 p)"],
  cosine: [Math.cos, "cos(p)"],
  absolute: [(p) => Math.min(Math.abs(p), 3) / 3, "min(|p|, 3) / 3"],
};

// Nodes have numbers: the inputs x, y, d (distance to the centre) and the constant 1; the outputs;
// then the hidden nodes. A genome is {activations, links}: the activation of each node from the
// first output on (null where there is no node), and links {source, target, weight} without a cycle.
export const INPUTS = ["x", "y", "d", "1"];
export const OUTPUT = 4;
/** @param {number} node */
export const nodeName = (node) => INPUTS[node] ?? (node === OUTPUT ? "out" : `h${node - OUTPUT}`);

/**
 * @param {Genome} genome
 * @returns {Genome}
 */
const copyGenome = ({ activations, links }) => ({
  activations: [...activations], links: links.map((link) => ({ ...link })),
});
/**
 * @template T
 * @param {T[]} list
 * @param {Random} random
 */
const anyOf = (list, random) => list[Math.floor(list.length * random.next())];

// Every node from which `node` can be reached, itself too.
/**
 * @param {Genome} genome
 * @param {number} node
 */
function ancestors({ links }, node) {
  const found = new Set([node]);
  for (const one of found) { // the set grows while it is walked through
    for (const { source, target } of links) if (target === one) found.add(source);
  }
  return found;
}

// The nodes that the picture depends on, but the inputs: each after all that it hears, the lower
// number first, the outputs last. Each with its activation and its links.
/**
 * @param {Genome} genome
 * @param {number} [outputs]
 */
export function program(genome, outputs = 1) {
  const done = new Set([0, 1, 2, 3]);
  const needed = new Set(Array.from({ length: outputs }, (_, n) => [...ancestors(genome, OUTPUT + n)]).flat());
  /** @type {Step[]} */
  const order = [];
  const nodes = genome.activations.map((activation, n) => ({
    node: OUTPUT + n, activation: activation ?? "linear", // where there is none, nothing leads on
    heard: genome.links.filter(({ target }) => target === OUTPUT + n),
  })).filter(({ node }) => needed.has(node));
  nodes.push(...nodes.splice(0, outputs)); // the lowest numbers: no other node hears an output
  while (order.length < nodes.length) {
    const next = nodes.find(({ node, heard }) =>
      !done.has(node) && heard.every(({ source }) => done.has(source)));
    if (!next) throw new Error("this genome has a cycle");
    done.add(next.node);
    order.push(next);
  }
  return order;
}

// The four inputs at every pixel of a picture of size x size.
/** @type {Map<number, Float64Array[]>} */
const grids = new Map();
/** @param {number} size */
function inputsAt(size) {
  let grid = grids.get(size);
  if (!grid) {
    const axis = Array.from({ length: size }, (_, i) => (2 * i - (size - 1)) / Math.max(size - 1, 1));
    const all = (/** @type {(x: number, y: number) => number} */ value) => Float64Array.from(
      { length: size * size }, (_, i) => value(axis[i % size], axis[Math.floor(i / size)]));
    grid = [all((x) => x), all((_, y) => y), all(Math.hypot), all(() => 1)];
    grids.set(size, grid);
  }
  return grid;
}

// What each output says at every pixel, from -1 to 1: node after node, all pixels at once.
/**
 * @param {Genome} genome
 * @param {number} size
 * @param {number} [outputs]
 */
export function evaluateAll(genome, size, outputs = 1) {
  const values = [...inputsAt(size)];
  for (const { node, activation, heard } of program(genome, outputs)) {
    const sums = new Float64Array(size * size), [bend] = ACTIVATIONS[activation];
    for (const { source, weight } of heard) {
      const from = values[source];
      for (let i = 0; i < sums.length; i++) sums[i] += weight * from[i];
    }
    for (let i = 0; i < sums.length; i++) sums[i] = bend(sums[i]);
    values[node] = sums;
  }
  return values.slice(OUTPUT, OUTPUT + outputs);
}

// Of the only output.
/**
 * @param {Genome} genome
 * @param {number} size
 */
export const evaluate = (genome, size) => evaluateAll(genome, size)[0];

// The formula: a line for each node that the picture depends on.
/** @param {Genome} genome */
export function formula(genome) {
  const order = program(genome);
  const number = (/** @type {number} */ weight) => String(Number(Math.abs(weight).toPrecision(3)));
  const lines = order.map(({ node, activation, heard }) => {
    const terms = heard.map(({ source, weight }) =>
      `${weight < 0 ? "-" : "+"} ${number(weight)}${source === 3 ? "" : ` ${nodeName(source)}`}`);
    const sum = terms.join(" ").replace(/^\+ /, "").replace(/^- /, "-");
    return `${nodeName(node)} = ${activation}(${sum || "0"})`;
  });
  const used = Object.keys(ACTIVATIONS).filter((name) => order.some((one) => one.activation === name));
  return [...lines, "where", ...used.map((name) => `  ${name}(p) = ${ACTIVATIONS[name][1]}`)].join("\n");
}

// The encoding. Its settings (rates, limits, activations) come from Python's.
export class CPPN {
  /** @param {Settings} settings */
  constructor(settings) {
    this.settings = settings;
    this.outputs = settings.outputs ?? 1;
  }
  /** @param {Random} random */
  weight(random) {
    return Math.fround((2 * random.next() - 1) * this.settings.weight_limit);
  }

  // A network without hidden nodes: every input linked to every output.
  /**
   * @param {Random} random
   * @returns {Genome}
   */
  sample(random) {
    const outputs = Array.from({ length: this.outputs }, (_, n) => OUTPUT + n);
    return {
      activations: [...outputs.map(() => anyOf(this.settings.activations, random)),
        ...Array(this.settings.max_hidden).fill(null)],
      links: outputs.flatMap((target) => INPUTS.map((_, source) => ({ source, target, weight: this.weight(random) }))),
    };
  }

  // A mutated child. The order is the paper's program's: weights, activations; then, each at most
  // once, a link more, a link less, a link split by a new node, a node less.
  /**
   * @param {Genome} parent
   * @param {Random} random
   */
  vary(parent, random) {
    const child = copyGenome(parent);
    const happens = (/** @type {number} */ rate) => random.next() < rate;
    this.mutateWeights(child, random);
    child.activations = child.activations.map((kind) =>
      (kind && happens(this.settings.activation_rate) ? anyOf(this.settings.activations, random) : kind));
    if (happens(this.settings.add_link)) this.addLink(child, random);
    if (happens(this.settings.delete_link)) {
      child.links.splice(Math.floor(child.links.length * random.next()), 1);
    }
    if (happens(this.settings.add_node)) this.splitLink(child, random);
    if (happens(this.settings.delete_node)) this.deleteNode(child, random);
    return child;
  }

  /**
   * @param {Genome} genome
   * @param {Random} random
   */
  mutateWeights({ links }, random) { // as genes from 0 to 1
    const genes = Float32Array.from(links, ({ weight }) => weight / (2 * this.settings.weight_limit) + 0.5);
    const mutated = mutate(genes, this.settings.weight_rate, this.settings.eta, random);
    links.forEach((link, n) => { // the others keep every bit
      if (mutated[n] !== genes[n]) link.weight = Math.fround((2 * mutated[n] - 1) * this.settings.weight_limit);
    });
  }

  // From any input or hidden node to any node that no cycle comes of and that has no such link.
  /**
   * @param {Genome} genome
   * @param {Random} random
   */
  addLink(genome, random) {
    if (genome.links.length >= this.settings.max_links) return;
    const nodes = genome.activations.map((_, n) => OUTPUT + n).filter((_, n) => genome.activations[n]);
    const source = anyOf([0, 1, 2, 3, ...nodes.slice(this.outputs)], random), above = ancestors(genome, source);
    const free = nodes.filter((node) => !above.has(node)
      && !genome.links.some((link) => link.source === source && link.target === node));
    if (free.length === 0) return;
    genome.links.push({ source, target: anyOf(free, random), weight: this.weight(random) });
  }

  // A new node amid a link; both halves have the link's weight.
  /**
   * @param {Genome} genome
   * @param {Random} random
   */
  splitLink({ activations, links }, random) {
    const vacant = activations.indexOf(null, this.outputs);
    if (vacant < 0 || links.length === 0 || links.length >= this.settings.max_links) return;
    const link = anyOf(links, random), node = OUTPUT + vacant;
    activations[vacant] = anyOf(this.settings.activations, random);
    links.push({ source: node, target: link.target, weight: link.weight });
    link.target = node;
  }

  /**
   * @param {Genome} genome
   * @param {Random} random
   */
  deleteNode(genome, random) {
    const alive = genome.activations.map((_, n) => n).filter((n) => n >= this.outputs && genome.activations[n]);
    if (alive.length === 0) return;
    const gone = anyOf(alive, random);
    genome.activations[gone] = null;
    genome.links = genome.links.filter(({ source, target }) =>
      source !== OUTPUT + gone && target !== OUTPUT + gone);
  }

  // The nodes and links of the one parent; where the other has the same link or node, the weight
  // or activation of either.
  /**
   * @param {Genome} parent
   * @param {Genome} other
   * @param {Random} random
   */
  cross(parent, other, random) {
    const child = copyGenome(parent), either = () => random.next() < 0.5;
    for (const link of child.links) {
      const same = other.links.find(({ source, target }) =>
        source === link.source && target === link.target);
      if (same && either()) link.weight = same.weight;
    }
    child.activations = child.activations.map((kind, n) =>
      (kind && other.activations[n] && either() ? other.activations[n] : kind));
    return child;
  }

  // The picture, in 256 levels of grey, at any size.
  /**
   * @param {Genome} genome
   * @param {Float64Array} image written
   * @param {number} [size]
   */
  render(genome, image, size = 28) {
    const values = evaluate(genome, size);
    for (let i = 0; i < values.length; i++) {
      image[i] = Math.floor(255 * Math.abs(Math.fround(values[i]))) / 255; // as fine as Python's
    }
    return image;
  }
}

// Genomes as Python sends and reads them: {activations, links: [[source, target, weight], ...]}.
/**
 * @param {Genome} genome
 * @returns {Sent}
 */
export const toJSON = ({ activations, links }) => ({
  activations, links: links.map(({ source, target, weight }) => [source, target, weight]),
});
/**
 * @param {Sent} genome
 * @returns {Genome}
 */
export const fromJSON = ({ activations, links }) => ({
  activations, links: links.map(([source, target, weight]) => ({ source, target, weight })),
});
