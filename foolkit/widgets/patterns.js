// Patterns bred live: the network chooses what lives on, or the reader does.
// @ts-check

import { CERTAIN, percent } from "./confidence.js";
import { CPPN, formula, toJSON } from "./cppn.js";
import { convergenceCurve } from "./curve.js";
import { MapElites } from "./evolution.js";
import { genomeGraph } from "./genome_graph.js";
import { networkOf } from "./network.js";
import { announcement, button, element } from "./page.js";
import { paint, toBytes } from "./pictures.js";
import { ReadersChoice } from "./readers_choice.js";
import { liveSearch, standing } from "./search.js";
import { seedField } from "./seed_field.js";
import { tenTiles, tileList } from "./ten_tiles.js";
import { listen, widget } from "./widget.js";

/** @import { Genome, Sent, Settings } from "./cppn.js" */
/** @import { DigitNetwork } from "./network.js" */
/** @import { Start } from "./widget.js" */
/**
 * @typedef {object} Traits as the Python class has them
 * @property {number} seed
 * @property {number} batch
 * @property {number} chosen
 * @property {"network" | "reader"} chooser
 * @property {Settings} encoding
 * @property {boolean} running
 * @property {number} generation
 * @property {number[]} confidence
 * @property {number[]} answers
 * @property {DataView} images
 * @property {Sent[]} bred
 */

const LARGE = 224; // pixels of the large picture

/** @param {Start<Traits, DigitNetwork>} start */
function start({ model, root, net }) {
  const encoding = new CPPN(model.get("encoding"));
  /** @type {ReadersChoice | null} */
  let reader = null; // once the reader chooses
  /** @type {number[]} */
  let parents = []; // places of the pictures that the reader chose, at most two
  let told = 0, announced = -1, shownAt = 0;
  /** @type {Genome | null} */
  let shownGenome = null;
  const readerChooses = () => model.get("chooser") === "reader";
  // what stands in the ten places, however it came there
  const shown = () => (readerChooses() ? reader?.pictures ?? [] : live.search.elites.map(
    ({ genes, confidence }, answer) => ({ genes, confidence, answer })));

  // ---- what is seen ----
  const presses = Array.from({ length: 10 }, (_, place) => button("", () => press(place), { class: "fk-tile" }));
  const tiles = tenTiles((place) => `Picture ${place + 1}`, (place, ...parts) => {
    presses[place].append(...parts);
    return [presses[place]];
  });
  const counter = element("p", { class: "fk-title" }), help = element("p");
  const status = announcement(), list = tileList(tiles, "The ten pictures");
  const curve = convergenceCurve(Math.min(544, Math.max(270, root.clientWidth - 28)));
  const large = element("canvas", {
    width: LARGE, height: LARGE, role: "img", class: "fk-picture fk-224",
    "aria-label": "The chosen picture, drawn large",
  });
  const subject = element("p", { class: "fk-title" }), text = element("pre");
  const graph = element("div", { class: "fk-scroll", tabindex: 0, role: "region", "aria-label": "The graph" });
  const words = element("div", { class: "fk-scroll", tabindex: 0, role: "region", "aria-label": "The formula" }, text);

  const judged = () => (readerChooses() ? reader !== null : live.search.generation >= 0);
  function show() {
    if (!judged()) return;
    const pixels = new Float64Array(784);
    shown().forEach(({ genes, answer, confidence }, place) =>
      tiles[place].show(encoding.render(genes, pixels), answer, confidence));
    counter.textContent = `generation ${(readerChooses() && reader ? reader : live.search).generation}`;
    status.node.classList.toggle("fk-heard", live.running);
    if (!readerChooses()) {
      curve.show(live.search.history);
      const now = standing(live.search);
      curve.describe(now.curve);
      if (now.count !== announced || !live.running) {
        announced = now.count;
        status.say(now.status);
      }
    }
    mark();
    showChosen();
    tell();
  }
  function mark() { // which tiles are pressed, and what the reader may do
    const pressed = readerChooses() ? parents : [model.get("chosen")];
    tiles.forEach(({ node, canvas }, place) => {
      presses[place].setAttribute("aria-pressed", String(pressed.includes(place)));
      const kept = readerChooses() && reader !== null && place < reader.kept;
      canvas.setAttribute("aria-label", `Picture ${place + 1}${kept ? ", a parent" : ""}`);
      node.classList.toggle("fk-parent", kept);
    });
    breedButton.disabled = parents.length === 0;
    breedButton.textContent = parents.length === 2 ? "Cross the two" : "Breed";
  }
  function showChosen(now = performance.now()) { // while it runs, at most once a second
    const place = model.get("chosen"), { genes, answer, confidence } = shown()[place];
    subject.textContent = `Picture ${place + 1}: “${answer}”, ${percent(confidence)}`;
    if (genes === shownGenome || (live.running && now - shownAt < 1000)) return;
    [shownGenome, shownAt] = [genes, now];
    paint(large, encoding.render(genes, new Float64Array(LARGE * LARGE), LARGE));
    large.setAttribute("aria-label", `Picture ${place + 1}, drawn at ${LARGE} by ${LARGE}`);
    graph.replaceChildren(genomeGraph(genes));
    text.textContent = formula(genes);
  }
  function tell(now = performance.now()) { // Python, at most twice a second while it runs
    if (live.running && now - told < 500) return;
    told = now;
    const all = shown();
    model.set("generation", (readerChooses() && reader ? reader : live.search).generation);
    model.set("confidence", all.map(({ confidence }) => confidence));
    model.set("answers", all.map(({ answer }) => answer));
    model.set("images", toBytes(...all.map(({ genes }) => encoding.render(genes, new Float64Array(784)))));
    model.set("bred", all.map(({ genes }) => toJSON(genes)));
    model.save_changes();
  }

  // ---- what happens ----
  const live = liveSearch({ model, show, make: () => {
    announced = -1;
    return new MapElites(net, { seed: model.get("seed"), batch: model.get("batch"), encoding });
  } });
  /** @param {number} place */
  function press(place) {
    if (!judged()) return;
    model.set("chosen", place);
    if (readerChooses()) {
      parents = parents.includes(place) ? parents.filter((one) => one !== place) : [...parents, place].slice(-2);
      const { answer, confidence } = shown()[place];
      const names = parents.map((one) => one + 1).join(" and ");
      status.say(`${names ? `Chosen: picture ${names}` : "Nothing is chosen"}. In picture ${place + 1} the network `
        + `sees a ${answer}, with ${percent(confidence)} confidence.`);
    }
    model.save_changes();
    mark();
    showChosen();
  }
  function breed() {
    if (!reader) return;
    reader.breed(parents);
    parents = [];
    model.set("chosen", 0);
    const sure = reader.pictures.filter(({ confidence }) => confidence >= CERTAIN).length;
    status.say(`Generation ${reader.generation}: ${reader.kept === 1 ? "the parent comes" : "the parents come"} `
      + `first, then the children. The network is certain (✓) of ${sure} of the ten.`);
    show();
    presses[0].focus();
  }
  function restart() {
    parents = [];
    if (!readerChooses()) return live.restart();
    reader = new ReadersChoice(net, encoding, model.get("seed"));
    status.say("Generation 0: ten random formulas. Choose one or two.");
    show();
    return null;
  }
  function choose() { // who chooses from now on; both searches go on where they were
    live.run(false);
    const now = readerChooses();
    parents = [];
    breedButton.hidden = newButton.hidden = !now;
    curve.node.toggleAttribute("hidden", now);
    for (const one of live.buttons) one.hidden = now;
    for (const [name, one] of Object.entries(choosers)) {
      one.setAttribute("aria-pressed", String(name === model.get("chooser")));
    }
    help.textContent = now
      ? "Choose one picture, or two, and breed. The network has no say: below each picture stands what it sees."
      : "Every picture is the network's favourite for its digit. Choose one to see its formula.";
    if (now && !reader) restart();
    else if (!now && live.search.generation < 0) live.restart();
    else {
      status.say(now && reader ? `Generation ${reader.generation}. Choose one or two.` : standing(live.search).status);
      show();
    }
  }

  // ---- controls ----
  const breedButton = button("Breed", breed, { class: "fk-main" });
  const newButton = button("New pictures", restart);
  const seed = seedField(model, status);
  /** @type {typeof model.set} */
  const set = (name, value) => { model.set(name, value); model.save_changes(); };
  const choosers = {
    network: button("the network chooses", () => set("chooser", "network")),
    reader: button("you choose", () => set("chooser", "reader")),
  };
  root.append(
    element("div", { class: "fk-row", role: "group", "aria-label": "Who chooses?" }, ...Object.values(choosers)),
    element("div", { class: "fk-row" }, ...live.buttons, breedButton, newButton, seed.node),
    help, counter, list, status.node, curve.node,
    subject, element("div", { class: "fk-chosen" }, large, graph), words);

  const hear = {
    "change:running": () => live.run(model.get("running") && !readerChooses()),
    "change:chooser": choose,
    "change:seed": () => seed.show(),
    "change:batch": () => { live.search.batch = model.get("batch"); },
    "change:chosen": () => { if (judged()) { mark(); showChosen(); } },
  };
  const startsAtOnce = model.get("running");
  const deafen = listen(model, hear);
  choose();
  if (startsAtOnce) live.run(true);
  return () => {
    live.stop();
    deafen();
  };
}

export default widget("patterns", "Breed patterns", start, { networkOf });
