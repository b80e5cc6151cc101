// Evolution live: ten elites, bred from noise while the reader watches.
// @ts-check

import { convergenceCurve } from "./curve.js";
import { MapElites } from "./evolution.js";
import { networkOf } from "./network.js";
import { announcement, element, slider } from "./page.js";
import { toBytes } from "./pictures.js";
import { Pixels } from "./pixels.js";
import { liveSearch, standing } from "./search.js";
import { seedField } from "./seed_field.js";
import { tenTiles, tileList } from "./ten_tiles.js";
import { listen, widget } from "./widget.js";

/** @import { DigitNetwork } from "./network.js" */
/** @import { Start } from "./widget.js" */
/**
 * @typedef {object} Traits as the Python class has them
 * @property {number} seed
 * @property {number} rate
 * @property {number} eta
 * @property {number} batch
 * @property {boolean} running
 * @property {number} generation
 * @property {number[]} confidence
 * @property {DataView} images
 */

/** @param {Start<Traits, DigitNetwork>} start */
function start({ model, root, net }) {
  let told = 0, announced = -1;
  const encoding = new Pixels({ rate: model.get("rate"), eta: model.get("eta") });

  // ---- what is seen ----
  const tiles = tenTiles((digit) => `Elite of the ${digit}`);
  const counter = element("p", { class: "fk-title" });
  const curve = convergenceCurve(Math.min(544, Math.max(270, root.clientWidth - 28)));
  const status = announcement();

  function show() {
    const { search } = live, pixels = new Float64Array(784);
    search.elites.forEach(({ genes, confidence }, digit) =>
      tiles[digit].show(encoding.render(genes, pixels), digit, confidence));
    counter.textContent = `generation ${search.generation}`;
    curve.show(search.history);
    const now = standing(search);
    curve.describe(now.curve);
    status.node.classList.toggle("fk-heard", live.running);
    if (now.count !== announced || !live.running) {
      announced = now.count;
      status.say(now.status);
    }
    tell();
  }

  function tell(now = performance.now()) { // Python, at most twice a second while it runs
    if (live.running && now - told < 500) return;
    told = now;
    const { elites, generation } = live.search;
    model.set("generation", generation);
    model.set("confidence", elites.map((elite) => elite.confidence));
    model.set("images", toBytes(...elites.map(({ genes }) => encoding.render(genes, new Float64Array(784)))));
    model.save_changes();
  }

  // ---- what happens ----
  const live = liveSearch({ model, show, make: () => {
    announced = -1;
    return new MapElites(net, { seed: model.get("seed"), batch: model.get("batch"), encoding });
  } });
  const rate = slider("mutation rate", {
    min: 0.01, max: 0.5, step: 0.01, value: model.get("rate"), format: (value) => value.toFixed(2),
  }, (value) => { encoding.rate = value; model.set("rate", value); model.save_changes(); });
  const seed = seedField(model, status);

  root.append(
    element("div", { class: "fk-row" }, ...live.buttons, seed.node, rate.node),
    counter, tileList(tiles, "The ten elites"), status.node, curve.node);

  const hear = {
    "change:running": () => live.run(model.get("running")),
    "change:rate": () => { encoding.rate = model.get("rate"); rate.set(model.get("rate")); },
    "change:seed": () => seed.show(),
    "change:eta": () => { encoding.eta = model.get("eta"); },
    "change:batch": () => { live.search.batch = model.get("batch"); },
  };
  const deafen = listen(model, hear);
  const startsAtOnce = model.get("running");
  live.restart().then(() => { if (startsAtOnce) live.run(true); });
  return () => {
    live.stop();
    deafen();
  };
}

export default widget("breed", "Breed ten digits from noise", start, { networkOf });
