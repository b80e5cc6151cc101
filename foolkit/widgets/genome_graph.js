// The drawing of a genome: its nodes and links.
// @ts-check

import { INPUTS, OUTPUT, nodeName, program } from "./cppn.js";
import { shape } from "./page.js";

/** @import { Genome } from "./cppn.js" */

// A genome's graph, inputs on the left, the output on the right: what the picture depends on.
/** @param {Genome} genome */
export function genomeGraph(genome) {
  const order = program(genome), column = new Map(INPUTS.map((_, input) => [input, 0]));
  const columnOf = (/** @type {number} */ node) => column.get(node) ?? 0;
  for (const { node, heard } of order) {
    column.set(node, 1 + Math.max(0, ...heard.map(({ source }) => columnOf(source))));
  }
  const last = Math.max(...column.values());
  /** @type {Map<number, number>} */
  const height = new Map();
  const heightOf = (/** @type {number} */ node) => height.get(node) ?? 0;
  column.set(OUTPUT, last);
  for (let c = 0; c <= last; c++) { // each node near the middle of those that it hears
    const middle = (/** @type {number} */ node) => {
      const heard = order.find((one) => one.node === node)?.heard ?? [];
      const sum = heard.reduce((total, { source }) => total + heightOf(source), 0);
      return heard.length ? sum / heard.length : node;
    };
    const stack = [...column.keys()].filter((node) => columnOf(node) === c);
    stack.map((node) => [middle(node), node]).sort((a, b) => a[0] - b[0]).forEach(([, node], n) =>
      // every other column a little lower: no link runs through a node
      height.set(node, n - (stack.length - 1) / 2 + 0.35 * (c % 2)));
  }
  const lowest = Math.min(...height.values()), rows = Math.max(...height.values()) - lowest;
  const size = [96 * last + 76, 46 * rows + 62];
  const place = (/** @type {number} */ node) => [34 + 96 * columnOf(node), 20 + 46 * (heightOf(node) - lowest)];
  const links = order.flatMap(({ node, heard }) =>
    heard.map(({ source, weight }) => ({ weight, from: place(source), to: place(node) })));
  const heaviest = Math.max(1e-9, ...links.map(({ weight }) => Math.abs(weight)));
  const label = `The network of this picture: ${order.length - 1} hidden nodes and ${links.length} links, `
    + "from x, y, the distance d to the centre and the constant 1 to the picture. The formula says the same.";
  const svg = shape("svg", {
    viewBox: `0 0 ${size[0]} ${size[1]}`, role: "img", class: "fk-graph", "aria-label": label,
  });
  svg.style.width = `${size[0]}px`;
  for (const { weight, from, to } of links) {
    svg.append(shape("line", {
      x1: from[0], y1: from[1], x2: to[0], y2: to[1], class: weight > 0 ? "fk-adds" : "fk-subtracts",
      "stroke-width": (0.7 + 2.3 * Math.abs(weight) / heaviest).toFixed(2),
    }));
  }
  for (const node of column.keys()) {
    const [x, y] = place(node), activation = genome.activations[node - OUTPUT];
    svg.append(shape("circle", { cx: x, cy: y, r: 8, class: node < OUTPUT ? "fk-input" : "fk-node" }),
      shape("text", { x, y: y + 20, "text-anchor": "middle" }, nodeName(node)));
    if (activation) svg.append(shape("text", { x, y: y + 32, "text-anchor": "middle" }, activation));
  }
  return svg;
}
