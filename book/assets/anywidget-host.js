// Runs the book's widgets in its pages: no kernel, no widget manager, nothing from elsewhere.
//
// A page carries the saved state of every widget (its module's source, its styles, its traits) and
// a placeholder where it stands. This script reads both, imports the module, and gives it a model
// that works like Jupyter's. It is a classic script, and files come as scripts too, because pages
// opened from disk (file://) may load nothing else.
// @ts-check
(() => {
  /** @typedef {Record<string, any>} Traits whatever Python saved */
  /** @typedef {{ path: string[], data: string }} Saved bytes of a trait */
  /** @typedef {{ model_module: string, state: Traits, buffers?: Saved[] }} SavedModel */
  /** @typedef {(...details: unknown[]) => void} Listener */
  const HERE = /** @type {HTMLScriptElement} */ (document.currentScript).src;
  const KIND = "application/vnd.jupyter.widget-";

  // ---- Files of the site: FILE.js calls foolkitFile(FILE, base64). One request a file and page.
  /** @type {Map<string, Promise<DataView>>} */
  const files = new Map();
  /** @type {Map<string, DataView>} */
  const arrived = new Map();
  const receive = (/** @type {string} */ name, /** @type {string} */ base64) => {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    arrived.set(name, new DataView(bytes.buffer));
  };
  Object.assign(globalThis, { foolkitFile: receive });
  /** @param {string} name */
  function load(name) {
    let file = files.get(name);
    if (!file) {
      file = new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = new URL(`${encodeURIComponent(name)}.js`, HERE).href;
        const fail = () => reject(new Error(`the file ${name} of this site did not load`));
        script.onload = () => {
          const view = arrived.get(name);
          if (view) resolve(view);
          else fail();
        };
        script.onerror = fail;
        document.head.append(script);
      });
      files.set(name, file);
    }
    return file;
  }

  // ---- The model: traits, events, and messages, as anywidget describes them.
  class Model {
    /** @param {Traits} traits */
    constructor(traits) {
      this.traits = traits;
      /** @type {Promise<void> | null} */
      this.ready = null; // once the widget has been initialised
      /** @type {{ event: string, listener: Listener }[]} */
      this.listeners = [];
    }
    /** @param {string} name */
    get(name) {
      return this.traits[name];
    }
    /**
     * @param {string} name
     * @param {unknown} value
     */
    set(name, value) {
      if (this.traits[name] === value) return;
      this.traits[name] = value;
      this.emit(`change:${name}`, value);
      this.emit("change");
    }
    /**
     * @param {string} event
     * @param {Listener} listener
     */
    on(event, listener) {
      this.listeners.push({ event, listener });
    }
    /**
     * @param {string} event
     * @param {Listener} [listener]
     */
    off(event, listener) {
      this.listeners = this.listeners.filter(
        (one) => one.event !== event || (listener && one.listener !== listener));
    }
    /**
     * @param {string} event
     * @param {unknown[]} details
     */
    emit(event, ...details) {
      for (const one of [...this.listeners]) if (one.event === event) one.listener(...details);
    }
    save_changes() {} // there is no kernel to tell
    /** @param {{ file: string }} content */
    send({ file }) { // what a kernel would answer, the site answers
      load(file).then(
        (view) => this.emit("msg:custom", { file }, [view]),
        (error) => this.emit("msg:custom", { file, error: error.message }, []));
    }
  }

  const read = (/** @type {Element} */ node) => JSON.parse(node.textContent ?? "");

  /** @param {SavedModel} saved */
  function decode({ state, buffers = [] }) {
    const traits = structuredClone(state);
    for (const { path, data } of buffers) { // bytes arrive as DataView, as in Jupyter
      const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
      const last = path.length - 1;
      const parent = path.slice(0, last).reduce((at, key) => at[key], traits);
      parent[path[last]] = new DataView(bytes.buffer);
    }
    return traits;
  }

  // ---- Modules and styles: each only once, however many widgets share it.
  const modules = new Map();
  /** @param {string} source */
  function importOnce(source) {
    if (!modules.has(source)) {
      const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
      modules.set(source, import(url));
    }
    return modules.get(source);
  }
  const styles = new Set();
  /** @param {string | undefined} css */
  function applyOnce(css) {
    if (!css || styles.has(css)) return;
    styles.add(css);
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  }

  /**
   * @param {HTMLElement} place
   * @param {Model} model
   */
  async function show(place, model) {
    const exported = (await importOnce(model.get("_esm"))).default;
    const widget = typeof exported === "function" ? await exported() : exported;
    if (!model.ready) model.ready = Promise.resolve(widget.initialize?.({ model }));
    await model.ready;
    await widget.render?.({ model, el: place });
  }

  // ---- A widget starts, and loads what it needs, when it comes near the screen, or to be printed.
  /** @type {Map<Element, () => void>} */
  const waiting = new Map();
  /** @param {Element} place */
  function begin(place) {
    watch.unobserve(place);
    waiting.get(place)?.();
    waiting.delete(place);
  }
  const watch = new IntersectionObserver(
    (seen) => { for (const one of seen) if (one.isIntersecting) begin(one.target); },
    { rootMargin: "800px 0px" });
  addEventListener("beforeprint", () => [...waiting.keys()].forEach(begin));

  const saved = Object.assign({}, ...Array.from(
    document.querySelectorAll(`script[type="${KIND}state+json"]`), (node) => read(node).state));
  // one widget carries the styles that all of a page share, wherever on the page it is
  for (const { state } of Object.values(saved)) applyOnce(state._css);
  const models = new Map(); // several views of one widget share its model
  for (const view of document.querySelectorAll(`script[type="${KIND}view+json"]`)) {
    const id = read(view).model_id;
    if (saved[id]?.model_module !== "anywidget") continue;
    if (!models.has(id)) models.set(id, new Model(decode(saved[id])));
    const place = document.createElement("div");
    place.className = "book-widget";
    view.replaceWith(place);
    waiting.set(place, () => show(place, models.get(id)).catch((error) => {
      place.textContent = `This widget could not start: ${error.message}.`;
      console.error(error);
    }));
    watch.observe(place);
  }
})();
