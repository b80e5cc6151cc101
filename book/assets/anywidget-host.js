// Runs the book's widgets in its pages: no kernel, no widget manager, nothing from elsewhere.
//
// A page carries the saved state of every widget (its module's source, its styles, its traits) and
// a placeholder where it stands. This script reads both, imports the module, and gives it a model
// that works like Jupyter's. It is a classic script, and files come as scripts too, because pages
// opened from disk (file://) may load nothing else.
(() => {
  const HERE = document.currentScript.src;
  const KIND = "application/vnd.jupyter.widget-";

  // ---- Files of the site: FILE.js calls foolkitFile(FILE, base64). One request a file and page.
  const files = new Map();
  const arrived = new Map();
  globalThis.foolkitFile = (name, base64) => {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    arrived.set(name, new DataView(bytes.buffer));
  };
  function load(name) {
    if (!files.has(name)) {
      files.set(name, new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = new URL(`${encodeURIComponent(name)}.js`, HERE);
        script.onload = () => (arrived.has(name) ? resolve(arrived.get(name)) : script.onerror());
        script.onerror = () => reject(new Error(`the file ${name} of this site did not load`));
        document.head.append(script);
      }));
    }
    return files.get(name);
  }

  // ---- The model: traits, events, and messages, as anywidget describes them.
  class Model {
    constructor(traits) {
      this.traits = traits;
      this.listeners = [];
    }
    get(name) {
      return this.traits[name];
    }
    set(name, value) {
      if (this.traits[name] === value) return;
      this.traits[name] = value;
      this.emit(`change:${name}`, value);
      this.emit("change");
    }
    on(event, listener) {
      this.listeners.push({ event, listener });
    }
    off(event, listener) {
      this.listeners = this.listeners.filter(
        (one) => one.event !== event || (listener && one.listener !== listener));
    }
    emit(event, ...details) {
      for (const one of [...this.listeners]) if (one.event === event) one.listener(...details);
    }
    save_changes() {} // there is no kernel to tell
    send({ file }) { // what a kernel would answer, the site answers
      load(file).then(
        (view) => this.emit("msg:custom", { file }, [view]),
        (error) => this.emit("msg:custom", { file, error: error.message }, []));
    }
  }

  const read = (node) => JSON.parse(node.textContent);

  function decode({ state, buffers = [] }) {
    const traits = structuredClone(state);
    for (const { path, data } of buffers) { // bytes arrive as DataView, as in Jupyter
      const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
      const parent = path.slice(0, -1).reduce((at, key) => at[key], traits);
      parent[path.at(-1)] = new DataView(bytes.buffer);
    }
    return traits;
  }

  // ---- Modules and styles: each only once, however many widgets share it.
  const modules = new Map();
  function importOnce(source) {
    if (!modules.has(source)) {
      const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
      modules.set(source, import(url));
    }
    return modules.get(source);
  }
  const styles = new Set();
  function applyOnce(css) {
    if (!css || styles.has(css)) return;
    styles.add(css);
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  }

  async function show(place, model) {
    applyOnce(model.get("_css"));
    const exported = (await importOnce(model.get("_esm"))).default;
    const widget = typeof exported === "function" ? await exported() : exported;
    if (!model.ready) model.ready = Promise.resolve(widget.initialize?.({ model }));
    await model.ready;
    await widget.render?.({ model, el: place });
  }

  const saved = Object.assign({}, ...Array.from(
    document.querySelectorAll(`script[type="${KIND}state+json"]`), (node) => read(node).state));
  const models = new Map(); // several views of one widget share its model
  for (const view of document.querySelectorAll(`script[type="${KIND}view+json"]`)) {
    const id = read(view).model_id;
    if (saved[id]?.model_module !== "anywidget") continue;
    if (!models.has(id)) models.set(id, new Model(decode(saved[id])));
    const place = document.createElement("div");
    place.className = "book-widget";
    view.replaceWith(place);
    show(place, models.get(id)).catch((error) => {
      place.textContent = `This widget could not start: ${error.message}.`;
      console.error(error);
    });
  }
})();
