// The parts of a page: elements, buttons, sliders, menus, and the line that is read out.
// @ts-check

// An element with attributes and children; strings become text, never markup.
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// A part of a drawing.
export function shape(tag, attributes, text = "") {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.textContent = text;
  return node;
}

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
export function slider(text, { min, max, step, value, format }, change) {
  const id = newId();
  const input = element("input", { type: "range", id, min, max, step });
  const output = element("output", { for: id });
  const show = () => {
    output.textContent = format(Number(input.value));
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.value = value;
  show();
  input.addEventListener("input", () => { show(); change(Number(input.value)); });
  const node = element("div", { class: "fk-slider" }, element("label", { for: id }, text), input, output);
  return {
    node,
    set(now) { input.value = now; show(); },
  };
}

export function menu(options, change) {
  const node = element("select", {}, ...options.map(([value, text]) => element("option", { value }, text)));
  node.addEventListener("change", () => change(node.value));
  return node;
}

export function labelled(text, control) {
  return element("label", { class: "fk-labelled" }, text, control);
}

// A line that screen readers read out when it changes.
export function announcement() {
  const node = element("p", { role: "status", class: "fk-status" });
  return {
    node,
    say(text) { if (node.textContent !== text) node.textContent = text; },
  };
}

export const lessMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
