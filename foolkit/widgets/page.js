// What the widgets share: elements, pictures, bars, sliders, and the way to the network's weights.

const CERTAIN = 0.9999; // the confidence that the paper and the article speak of
// One colour a digit, the same as in every figure (Petroff 2021)
const CLASS_COLOURS = [
  "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6",
  "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
];
const SLICE = 12; // milliseconds of work between two looks at the reader's mouse

// An element with attributes and children; strings become text, never markup.
function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function button(text, press, attributes = {}) {
  const node = element("button", { type: "button", ...attributes }, text);
  node.addEventListener("click", press);
  return node;
}

// Rounded down, so that nothing short of certain reads 100 %.
function percent(confidence) {
  return `${(Math.floor(confidence * 1e4 + 1e-6) / 100).toFixed(2)} %`;
}

// ---- Pictures -------------------------------------------------------------------------------

function picture(label, attributes = {}) {
  return element("canvas", {
    width: 28, height: 28, role: "img", "aria-label": label, class: "fk-picture", ...attributes,
  });
}

// As many pixels as the canvas has.
function paint(canvas, pixels) {
  const context = canvas.getContext("2d"), data = context.createImageData(canvas.width, canvas.height);
  for (let i = 0; i < pixels.length; i++) {
    data.data.fill(Math.round(255 * pixels[i]), 4 * i, 4 * i + 3);
    data.data[4 * i + 3] = 255;
  }
  context.putImageData(data, 0, 0);
}

// Bytes of Python (a DataView) to numbers in [0, 1], image by image, and back.
function fromBytes(view, index = 0) {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + 784 * index, 784);
  return Float64Array.from(bytes, (byte) => byte / 255);
}

function toBytes(...images) {
  const bytes = new Uint8Array(784 * images.length);
  images.forEach((image, n) => {
    for (let i = 0; i < 784; i++) bytes[784 * n + i] = Math.round(255 * image[i]);
  });
  return new DataView(bytes.buffer);
}

// ---- Controls and answers --------------------------------------------------------------------

let made = 0; // for ids that belong to one control on the page

// A labelled slider that always says its value.
function slider(text, { min, max, step, value, format }, change) {
  const id = `fk-${++made}-${Math.random().toString(36).slice(2, 8)}`;
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

function menu(options, change) {
  const node = element("select", {}, ...options.map(([value, text]) => element("option", { value }, text)));
  node.addEventListener("change", () => change(node.value));
  return node;
}

function labelled(text, control) {
  return element("label", { class: "fk-labelled" }, text, control);
}

// Ten rows: digit, bar, number. The answer is told by weight and an arrow, not by colour alone.
function confidenceBars(label) {
  const rows = CLASS_COLOURS.map((colour, digit) => {
    const bar = element("span", { class: "fk-bar" });
    bar.style.backgroundColor = colour;
    const number = element("span", { class: "fk-number" });
    const node = element("li", {},
      element("span", { class: "fk-digit" }, String(digit)),
      element("span", { class: "fk-track", "aria-hidden": "true" }, bar), number);
    return { node, bar, number };
  });
  const node = element("ol", { class: "fk-bars", "aria-label": label, role: "list" },
    ...rows.map((row) => row.node));
  return {
    node,
    show(confidences) {
      const answer = indexOfLargest(confidences);
      rows.forEach((row, digit) => {
        row.bar.style.width = `${100 * confidences[digit]}%`;
        row.number.textContent = percent(confidences[digit]) + (digit === answer ? " ◂" : "");
        row.node.classList.toggle("fk-answer", digit === answer);
      });
    },
  };
}

// A line that screen readers read out when it changes.
function announcement() {
  const node = element("p", { role: "status", class: "fk-status" });
  return {
    node,
    say(text) { if (node.textContent !== text) node.textContent = text; },
  };
}

const lessMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// ---- Long work in short slices ---------------------------------------------------------------

const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve));

// Runs a generator to its end; `show` gets its latest value once a slice, and may return false to
// stop. In between the page draws and listens.
async function inSlices(generator, show) {
  for (;;) {
    const until = performance.now() + SLICE;
    let step, latest;
    do {
      step = generator.next();
      if (!step.done) latest = step.value;
    } while (!step.done && performance.now() < until);
    if (show(latest, Boolean(step.done)) === false || step.done) return;
    await nextFrame();
  }
}

// ---- The weights: a kernel sends them, or the page's host has them from the site ---------------

const PATIENCE = 5000; // milliseconds
const weightsOnThisPage = (globalThis.foolkitWeights ??= new Map()); // by file, once arrived

// A kernel answers when it has nothing else to do, and a notebook that was only opened has none:
// so there is no end of waiting, but `late` is called when it takes long.
function askFor(model, file, late) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(late, PATIENCE);
    const listen = (content, buffers) => {
      if (content.file !== file) return;
      clearTimeout(timer);
      model.off("msg:custom", listen);
      if (content.error) reject(new Error(content.error));
      else resolve(buffers[0]);
    };
    model.on("msg:custom", listen);
    model.send({ file });
  });
}

// A network of a widget. Weights that have arrived serve all widgets of the page; each asks for
// itself until then, since the kernel of one may be gone.
async function loadNetwork(model, name, late) {
  const file = `${name}.safetensors`;
  if (!weightsOnThisPage.has(file)) {
    const arrived = readSafetensors(await askFor(model, file, late));
    if (!weightsOnThisPage.has(file)) weightsOnThisPage.set(file, arrived);
  }
  return networkOf(weightsOnThisPage.get(file));
}

const LATE = "Still waiting for the network. In a notebook: "
  + "the kernel is busy, or this cell has yet to be run.";

// A widget: waits for its networks, then hands over; what goes wrong is said in words. `net` is
// the network of the trait of that name, `nets` are those of `networks`; a `lazy` widget has none
// at first, and fetches each by `load(name, late)`.
function widget(name, describe, start, { lazy = false } = {}) {
  return {
    async render({ model, el }) {
      const root = element("section", { class: `fk-widget fk-${name}`, "aria-label": describe });
      const waiting = element("p", { role: "status" }, "Loading the network …");
      root.append(waiting);
      el.append(root);
      try {
        const load = (one, late) => loadNetwork(model, one, late);
        const wait = (one) => load(one, () => { waiting.textContent = LATE; });
        const net = model.get("network") ? await wait(model.get("network")) : null;
        const nets = await Promise.all(lazy ? [] : (model.get("networks") ?? []).map(wait));
        // a notebook shows a widget a moment after it made it: until then it has no colours, no size
        const shown = () => getComputedStyle(root).backgroundColor !== "";
        for (let frame = 0; !shown() && frame < 60; frame += 1) await nextFrame();
        waiting.remove();
        const stop = start({ model, root, net, nets, load });
        root.dataset.ready = "true";
        return stop;
      } catch (error) {
        waiting.textContent = `This widget could not start: ${error.message}.`;
        console.error(error);
      }
    },
  };
}
