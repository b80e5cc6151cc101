// Networks that compose patterns: the encoding of foolkit.encodings.CPPN, for grey pictures.
// @ts-check

import { mutate } from "./evolution.js";

// What a node does with the weighted sum p of its links; all stay within [-1, 1].
const ACTIVATIONS = {
  sine: [Math.sin, "sin(p)"],
  sigmoid: [(p) => 2 / (1 + Math.exp(-p)) - 1, "2 / (1 + exp(-p)) - 1"],
  gaussian: [(p) => Math.exp(-p * p), "exp(-p^2)"],
  linear: [(p) => Math.min(Math.max(p, -3), 3) / 3, "min(max(p, -3), 3) / 3"],
  tanh: [(p) => Math.tanh(5 * p), "tanh(5 p)"],
  cosine: [Math.cos, "cos(p)"],
  absolute: [(p) => Math.min(Math.abs(p), 3) / 3, "min(|p|, 3) / 3"],
};

// Nodes have numbers: the inputs x, y, d (distance to the centre) and the constant 1; the output;
// then the hidden nodes. A genome is {activations, links}: the activation of each node from the
// output on (null where there is no node), and links {source, target, weight} without a cycle.
export const INPUTS = ["x", "y", "d", "1"];
export const OUTPUT = 4;
export const nodeName = (node) => INPUTS[node] ?? (node === OUTPUT ? "out" : `h${node - OUTPUT}`);

const copyGenome = ({ activations, links }) => ({
  activations: [...activations], links: links.map((link) => ({ ...link })),
});
const anyOf = (list, random) => list[Math.floor(list.length * random.next())];

// Every node from which `node` can be reached, itself too.
function ancestors({ links }, node) {
  const found = new Set([node]);
  for (const one of found) { // the set grows while it is walked through
    for (const { source, target } of links) if (target === one) found.add(source);
  }
  return found;
}

// The nodes that the picture depends on, but the inputs: each after all that it hears, the lower
// number first, the output last. Each with its activation and its links.
export function program(genome) {
  const needed = ancestors(genome, OUTPUT), done = new Set([0, 1, 2, 3]), order = [];
  const nodes = genome.activations.map((activation, n) => ({
    node: OUTPUT + n, activation, heard: genome.links.filter(({ target }) => target === OUTPUT + n),
  })).filter(({ node }) => needed.has(node));
  nodes.push(nodes.shift()); // the output, with the lowest number, waits for all others anyway
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
const grids = new Map();
function inputsAt(size) {
  if (!grids.has(size)) {
    const axis = Array.from({ length: size }, (_, i) => (2 * i - (size - 1)) / Math.max(size - 1, 1));
    const all = (value) => Float64Array.from({ length: size * size }, (_, i) =>
      value(axis[i % size], axis[Math.floor(i / size)]));
    grids.set(size, [all((x) => x), all((_, y) => y), all(Math.hypot), all(() => 1)]);
  }
  return grids.get(size);
}

// What the output says at every pixel, from -1 to 1: node after node, all pixels at once.
export function evaluate(genome, size) {
  const values = [...inputsAt(size)];
  for (const { node, activation, heard } of program(genome)) {
    const sums = new Float64Array(size * size), [bend] = ACTIVATIONS[activation];
    for (const { source, weight } of heard) {
      const from = values[source];
      for (let i = 0; i < sums.length; i++) sums[i] += weight * from[i];
    }
    for (let i = 0; i < sums.length; i++) sums[i] = bend(sums[i]);
    values[node] = sums;
  }
  return values[OUTPUT];
}

// The formula: a line for each node that the picture depends on.
export function formula(genome) {
  const order = program(genome);
  const number = (weight) => String(Number(Math.abs(weight).toPrecision(3)));
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
  constructor(settings) {
    Object.assign(this, settings);
  }
  weight(random) {
    return Math.fround((2 * random.next() - 1) * this.weight_limit);
  }

  // A network without hidden nodes: every input linked to the output.
  sample(random) {
    return {
      activations: [anyOf(this.activations, random), ...Array(this.max_hidden).fill(null)],
      links: INPUTS.map((_, source) => ({ source, target: OUTPUT, weight: this.weight(random) })),
    };
  }

  // A mutated child. The order is the paper's program's: weights, activations; then, each at most
  // once, a link more, a link less, a link split by a new node, a node less.
  vary(parent, random) {
    const child = copyGenome(parent);
    const happens = (rate) => random.next() < rate;
    this.mutateWeights(child, random);
    child.activations = child.activations.map((kind) =>
      (kind && happens(this.activation_rate) ? anyOf(this.activations, random) : kind));
    if (happens(this.add_link)) this.addLink(child, random);
    if (happens(this.delete_link)) {
      child.links.splice(Math.floor(child.links.length * random.next()), 1);
    }
    if (happens(this.add_node)) this.splitLink(child, random);
    if (happens(this.delete_node)) this.deleteNode(child, random);
    return child;
  }

  mutateWeights({ links }, random) { // as genes from 0 to 1
    const genes = Float32Array.from(links, ({ weight }) => weight / (2 * this.weight_limit) + 0.5);
    const mutated = mutate(genes, this.weight_rate, this.eta, random);
    links.forEach((link, n) => { // the others keep every bit
      if (mutated[n] !== genes[n]) link.weight = Math.fround((2 * mutated[n] - 1) * this.weight_limit);
    });
  }

  // From any input or hidden node to any node that no cycle comes of and that has no such link.
  addLink(genome, random) {
    if (genome.links.length >= this.max_links) return;
    const nodes = genome.activations.map((_, n) => OUTPUT + n).filter((_, n) => genome.activations[n]);
    const source = anyOf([0, 1, 2, 3, ...nodes.slice(1)], random), above = ancestors(genome, source);
    const free = nodes.filter((node) => !above.has(node)
      && !genome.links.some((link) => link.source === source && link.target === node));
    if (free.length === 0) return;
    genome.links.push({ source, target: anyOf(free, random), weight: this.weight(random) });
  }

  // A new node amid a link; both halves have the link's weight.
  splitLink({ activations, links }, random) {
    const vacant = activations.indexOf(null, 1);
    if (vacant < 0 || links.length === 0 || links.length >= this.max_links) return;
    const link = anyOf(links, random), node = OUTPUT + vacant;
    activations[vacant] = anyOf(this.activations, random);
    links.push({ source: node, target: link.target, weight: link.weight });
    link.target = node;
  }

  deleteNode(genome, random) {
    const alive = genome.activations.map((_, n) => n).filter((n) => n > 0 && genome.activations[n]);
    if (alive.length === 0) return;
    const gone = anyOf(alive, random);
    genome.activations[gone] = null;
    genome.links = genome.links.filter(({ source, target }) =>
      source !== OUTPUT + gone && target !== OUTPUT + gone);
  }

  // The nodes and links of the one parent; where the other has the same link or node, the weight
  // or activation of either.
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
  render(genome, image, size = 28) {
    const values = evaluate(genome, size);
    for (let i = 0; i < values.length; i++) {
      image[i] = Math.floor(255 * Math.abs(Math.fround(values[i]))) / 255; // as fine as Python's
    }
    return image;
  }
}

// Genomes as Python sends and reads them: {activations, links: [[source, target, weight], ...]}.
export const toJSON = ({ activations, links }) => ({
  activations, links: links.map(({ source, target, weight }) => [source, target, weight]),
});
export const fromJSON = ({ activations, links }) => ({
  activations, links: links.map(([source, target, weight]) => ({ source, target, weight })),
});
