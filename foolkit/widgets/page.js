// The parts of a page: elements, buttons, sliders, menus, and the line that is read out.
// @ts-check

/** @typedef {Record<string, string | number>} Attributes */
/**
 * @typedef {object} Range
 * @property {number} min
 * @property {number} max
 * @property {number} step
 * @property {number} value
 * @property {(value: number) => string} format
 */

// An element with attributes and children; strings become text, never markup.
/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

// A part of a drawing.
/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} attributes
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function shape(tag, attributes, text = "") {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.textContent = text;
  return node;
}

/**
 * @param {string} text
 * @param {() => void} press
 * @param {Attributes} [attributes]
 */
export function button(text, press, attributes = {}) {
  const node = element("button", { type: "button", ...attributes }, text);
  node.addEventListener("click", press);
  return node;
}

let made = 0;

// A name that belongs to one control on the page.
export function newId() {
  return `fk-${++made}-${Math.random().toString(36).slice(2, 8)}`;
}

// A labelled slider that always says its value.
/**
 * @param {string} text
 * @param {Range} range
 * @param {(value: number) => void} change
 */
export function slider(text, { min, max, step, value, format }, change) {
  const id = newId();
  const input = element("input", { type: "range", id, min, max, step });
  const output = element("output", { for: id });
  const show = () => {
    output.textContent = format(Number(input.value));
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.value = String(value);
  show();
  input.addEventListener("input", () => { show(); change(Number(input.value)); });
  const node = element("div", { class: "fk-slider" }, element("label", { for: id }, text), input, output);
  return {
    node,
    set(/** @type {number} */ now) { input.value = String(now); show(); },
  };
}

/**
 * @param {(string | number)[][]} options value and text of each
 * @param {(value: string) => void} change
 */
export function menu(options, change) {
  const node = element("select", {}, ...options.map(([value, text]) => element("option", { value }, String(text))));
  node.addEventListener("change", () => change(node.value));
  return node;
}

/**
 * @param {string} text
 * @param {HTMLElement} control
 */
export function labelled(text, control) {
  return element("label", { class: "fk-labelled" }, text, control);
}

// A line that screen readers read out when it changes.
export function announcement() {
  const node = element("p", { role: "status", class: "fk-status" });
  return {
    node,
    say(/** @type {string} */ text) { if (node.textContent !== text) node.textContent = text; },
  };
}

export const lessMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
