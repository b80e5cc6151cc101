// The defence bench: tick networks, run one attack on each, and compare what still stands.
// @ts-check

import { CERTAIN, percent } from "./confidence.js";
import { networkOf } from "./network.js";
import { indexOfLargest } from "./numbers.js";
import { announcement, button, element, labelled, menu, slider } from "./page.js";
import { fromBytes, paint, picture, toBytes } from "./pictures.js";
import { painted, randomChange, randomImage, randomOf, signNoise, signStep, signSteps } from "./sign.js";
import { LATE, listen, widget } from "./widget.js";
import { inSlices } from "./work.js";

/** @import { DigitNetwork } from "./network.js" */
/** @import { Attacked } from "./sign.js" */
/** @import { Start } from "./widget.js" */
/**
 * @typedef {object} Traits as the Python class has them
 * @property {DataView} images
 * @property {number[]} truth
 * @property {string[]} defences
 * @property {string[]} ticked
 * @property {keyof typeof ATTACKS} attack
 * @property {number} epsilon
 * @property {number} steps
 * @property {number} restarts
 * @property {boolean} transferred
 * @property {number} chosen
 * @property {number} seed
 * @property {string} guess
 * @property {Record<string, Count & { answer: number, confidence: number }>} results
 * @property {DataView} attacked
 */
/** @typedef {{ before: number, right: number, wrong: number, untested: number, total: number }} Count */
/** @typedef {Attacked & { before: boolean, confidences: number[] }} Outcome of an attack */

const ATTACKS = {
  fgsm: "one step along the gradient (FGSM)",
  pgd: "many steps, random start (PGD)",
  noise: "random noise of the same size",
  paint: "paint on noise until it is sure",
};

/** @param {Start<Traits, DigitNetwork>} start */
function start({ model, root, load }) {
  const defences = model.get("defences"), truth = model.get("truth");
  /** @type {Map<string, DigitNetwork>} */
  const networks = new Map(); // by the name of the defence, once fetched
  /** @param {number} digit */
  const an = (digit) => `${digit === 8 ? "an" : "a"} ${digit}`;
  const painting = () => model.get("attack") === "paint";
  const total = () => (painting() ? 10 : truth.length);
  const place = () => (painting() ? truth[model.get("chosen")] : model.get("chosen"));
  /** @param {number} n */
  const original = (n) => fromBytes(model.get("images"), n);
  let current = 0; // which attack is the current one; a newer one ends an older one
  let running = false, done = false;
  /** @type {Map<string, Outcome[]>} */
  let outcomes = new Map(); // by defence, place by place: what the attack came to

  // ---- the attack ----
  // Right, wrong, or untested: it kept its answer, but the attack had no slope to climb.
  /** @param {number} n */
  /**
   * @param {Outcome} outcome
   * @param {number} n
   */
  function verdict({ confidences, stuck }, n) {
    const fooled = painting() ? confidences[n] >= CERTAIN : indexOfLargest(confidences) !== truth[n];
    if (fooled) return "wrong";
    return stuck ? "untested" : "right";
  }
  /** @param {string} name */
  function count(name) {
    const found = { before: 0, right: 0, wrong: 0, untested: 0, total: 0 };
    (outcomes.get(name) ?? []).forEach((one, n) => {
      found[verdict(one, n)]++;
      if (one.before) found.before++;
      found.total++;
    });
    return found;
  }
  // The image that the attack makes of digit n on `net`: a generator, its last value is the result.
  /**
   * @param {DigitNetwork} net
   * @param {number} n
   * @returns {Generator<Attacked | null, void>}
   */
  function* made(net, n) {
    const epsilon = model.get("epsilon"), steps = model.get("steps"), seed = model.get("seed");
    switch (model.get("attack")) {
      case "fgsm": yield signStep(net, original(n), truth[n], epsilon); break;
      case "pgd": {
        const starts = Array.from({ length: model.get("restarts") }, (_, start) =>
          randomChange(randomOf(seed, n, start), epsilon));
        yield* signSteps(net, original(n), truth[n], { epsilon, steps, starts });
        break;
      }
      case "noise": yield { image: signNoise(original(n), epsilon, randomOf(seed, n, 0)), stuck: false }; break;
      default: yield* painted(net, n, randomOf(seed, n, 0));
    }
  }
  /**
   * @param {string[]} names
   * @returns {Generator<void, void>}
   */
  function* everything(names) { // the digit that is shown comes first
    const first = place(), others = Array.from({ length: total() }, (_, n) => n).filter((n) => n !== first);
    const shared = model.get("transferred") && networks.get(defences[0]);
    for (const n of [first, ...others]) {
      /** @type {Attacked | null} */
      let gift = null;
      for (const name of names) {
        const net = networks.get(name), list = outcomes.get(name);
        if (!net || !list) continue;
        /** @type {Attacked | null} */
        let last = gift;
        if (!last) for (last of made(shared || net, n)) yield;
        if (!last) continue;
        if (shared) gift = last;
        const before = !painting() && indexOfLargest(net.logits(original(n))) === truth[n];
        list[n] = { ...last, before, confidences: net.confidences(last.image) };
        yield;
      }
    }
  }
  async function run() {
    const names = model.get("ticked"), mine = ++current;
    if (names.length === 0) {
      status.say("Tick a defence first.");
      return;
    }
    forget();
    running = true;
    show();
    status.say(`Attacking ${names.join(", ")} …`);
    try {
      for (const name of new Set([...(model.get("transferred") ? [defences[0]] : []), ...names])) {
        if (networks.has(name)) continue;
        const net = await load(model.get("networks")[defences.indexOf(name)],
          () => { if (mine === current) status.say(LATE); });
        networks.set(name, net);
      }
    } catch (error) {
      if (mine === current) { running = false; show(); }
      const message = error instanceof Error ? error.message : String(error);
      status.say(`This attack could not start: ${message}.`);
      return;
    }
    if (mine !== current) return;
    for (const name of names) outcomes.set(name, []);
    let told = false;
    await inSlices(everything(names), (_, ended) => {
      if (mine !== current) return false;
      if (ended) { running = false; done = true; }
      show();
      if (!told && !ended && names.every((name) => outcomes.get(name)?.[place()])) {
        told = true;
        status.say(spoken(names));
      }
      if (ended) conclude(names);
      return true;
    });
  }
  function forget() {
    running = done = false;
    outcomes = new Map();
    if (Object.keys(model.get("results")).length === 0) return;
    model.set("results", {});
    model.set("attacked", new DataView(new ArrayBuffer(0)));
    model.save_changes();
  }
  function stop() {
    current++;
    running = false;
    show();
    status.say("Stopped.");
  }

  // ---- in words ----
  /** @param {number} n */
  const about = (n) => (painting() ? `Painted as ${an(n)}.` : `Digit ${n + 1}, ${an(truth[n])}.`);
  /** @param {string} name */
  function words(name) { // the verdict, and what the network reads
    const one = outcomes.get(name)?.[place()];
    if (!one) return [running ? "waiting" : "not attacked yet"];
    const kind = verdict(one, place()), n = place();
    const answer = painting() ? n : indexOfLargest(one.confidences);
    const says = `“${answer}”, ${percent(one.confidences[answer])}`;
    if (kind === "untested") return ["untested, the gradient is zero", says];
    if (kind === "right") return [painting() ? "not convinced" : "stands", says];
    return [painting() || one.before ? "fooled" : "wrong, as before", says];
  }
  /** @param {string[]} names */
  const spoken = (names) =>
    `${about(place())} ${names.map((name) => `${name}: ${words(name).join(": ")}`).join("; ")}.`;
  // Counts in words; `untested` ones are never among those that stand.
  /** @param {Count} count */
  function tally({ right, untested, before, total: all }) {
    const rest = untested ? `, ${untested} untested (gradient zero)` : "";
    return painting() ? `not convinced: ${right} of ${all}${rest}`
      : `still right: ${right} of ${all}${rest} (before: ${before})`;
  }
  /** @param {string[]} names */
  function conclude(names) {
    /** @param {string} name */
    const kept = (name) => count(name).right;
    const most = Math.max(...names.map(kept)), best = names.filter((name) => kept(name) === most);
    const guessed = guess.value, untested = names.some((name) => count(name).untested);
    let reply = "";
    if (guessed && most === 0) reply = " You guessed, but none stood.";
    else if (guessed) {
      reply = best.includes(guessed)
        ? ` Your guess, ${guessed}, stood ${best.length > 1 ? "as well as any" : "best"}.`
        : ` You guessed ${guessed}; ${best.join(" and ")} stood better.`;
    }
    status.say(`Done, ${total()} ${painting() ? "goals" : "digits"}. `
      + `${names.map((name) => `${name}: ${tally(count(name))}`).join("; ")}.${reply}`
      + (untested
        ? " Where the gradient is zero, this attack proves nothing: try another, or images made elsewhere."
        : ""));
    tell();
  }
  function tell() { // Python
    const here = [...outcomes].map(([name, list]) => ({ name, ...list[place()] }));
    model.set("results", Object.fromEntries(here.map(({ name, confidences }) => {
      const answer = indexOfLargest(confidences);
      return [name, { ...count(name), answer, confidence: confidences[answer] }];
    })));
    model.set("attacked", toBytes(...here.map(({ image }) => image)));
    model.save_changes();
  }

  // ---- what is seen ----
  const status = announcement();
  const before = { canvas: picture("Before the attack"), text: element("p") };
  const cards = defences.map((name) => {
    const canvas = picture(name), text = element("p"), counts = element("p", { class: "fk-note" });
    const right = element("span", { class: "fk-bar" }), untested = element("span", { class: "fk-bar fk-untested" });
    const node = element("li", {}, element("p", { class: "fk-title" }, name), canvas, text,
      element("div", { class: "fk-track fk-shares", "aria-hidden": "true" }, right, untested), counts);
    return { name, node, canvas, text, counts, right, untested };
  });
  const list = element("ul", { class: "fk-stand", role: "list", "aria-label": "What the attack came to" });

  function show() {
    const n = place(), ticked = model.get("ticked");
    const untouched = painting() ? randomImage(randomOf(model.get("seed"), n, 0)) : original(n);
    paint(before.canvas, untouched);
    before.text.textContent = painting() ? `noise, to be climbed towards “${n}”` : `${an(truth[n])}, untouched`;
    before.canvas.setAttribute("aria-label", `Before the attack: ${before.text.textContent}`);
    for (const card of cards.filter(({ name }) => ticked.includes(name))) {
      const one = outcomes.get(card.name)?.[n], found = count(card.name);
      paint(card.canvas, one ? one.image : untouched);
      const [told, says] = words(card.name);
      card.text.replaceChildren(element("b", {}, told),
        ...(says ? [": ", element("span", { class: "fk-says" }, says)] : []));
      card.canvas.setAttribute("aria-label", `${card.name}: ${card.text.textContent}`);
      card.node.classList.toggle("fk-fallen", one !== undefined && verdict(one, n) === "wrong");
      /** @param {number} part */
      const share = (part) => `${found.total ? 100 * part / total() : 0}%`;
      card.right.style.width = share(found.right);
      card.untested.style.width = share(found.untested);
      card.counts.textContent = found.total ? tally(found) : "";
    }
    go.textContent = running ? "Stop" : "Attack";
  }

  // ---- controls ----
  const boxes = defences.map((name) => {
    const box = element("input", { type: "checkbox" });
    box.addEventListener("change", () =>
      change("ticked", defences.filter((_, k) => boxes[k].box.checked)));
    return { name, box, node: element("label", { class: "fk-tick" }, box, ` ${name}`) };
  });
  /** @type {typeof model.set} */
  function change(name, value) { // heard below, like a change from Python
    model.set(name, value);
    model.save_changes();
  }
  const attack = menu(Object.entries(ATTACKS), (value) => change("attack", /** @type {Traits["attack"]} */ (value)));
  const chosen = menu(truth.map((digit, n) => [n, `${digit} (${n + 1} of ${truth.length})`]),
    (value) => change("chosen", Number(value)));
  const guess = menu([["", "no guess"]], (value) => change("guess", value));
  /**
   * @param {string} text
   * @param {"steps" | "restarts"} name
   * @param {number} most
   */
  const whole = (text, name, most) => slider(text, {
    min: 1, max: most, step: 1, value: model.get(name), format: String,
  }, (value) => change(name, value));
  const sliders = {
    epsilon: slider("largest change of a pixel (ε)", {
      min: 0, max: 0.4, step: 0.01, value: model.get("epsilon"), format: (value) => value.toFixed(2),
    }, (value) => change("epsilon", value)),
    steps: whole("steps", "steps", 100),
    restarts: whole("random starts", "restarts", 5),
  };
  const transferred = element("input", { type: "checkbox" });
  transferred.addEventListener("change", () => change("transferred", transferred.checked));
  const shared = element("label", { class: "fk-tick" }, transferred,
    ` make the images on “${defences[0]}”, give the same to all`);
  const go = button("Attack", () => (running ? stop() : run()), { class: "fk-main" });

  function settle() { // the controls say what the traits say
    const ticked = model.get("ticked"), name = model.get("attack");
    boxes.forEach((one) => { one.box.checked = ticked.includes(one.name); });
    list.replaceChildren(
      element("li", {}, element("p", { class: "fk-title" }, "before"), before.canvas, before.text),
      ...cards.filter((card) => ticked.includes(card.name)).map(({ node }) => node));
    attack.value = name;
    chosen.value = String(model.get("chosen"));
    transferred.checked = model.get("transferred");
    sliders.epsilon.set(model.get("epsilon"));
    sliders.steps.set(model.get("steps"));
    sliders.restarts.set(model.get("restarts"));
    sliders.epsilon.node.hidden = name === "paint";
    sliders.steps.node.hidden = sliders.restarts.node.hidden = name !== "pgd";
    shared.hidden = name === "noise";
    guess.replaceChildren(element("option", { value: "" }, "no guess"),
      ...ticked.map((one) => element("option", { value: one }, one)));
    guess.value = ticked.includes(model.get("guess")) ? model.get("guess") : "";
    show();
  }
  root.append(
    element("div", { class: "fk-row", role: "group", "aria-label": "Defences" },
      element("span", {}, "attack these:"), ...boxes.map(({ node }) => node)),
    element("div", { class: "fk-row" }, labelled("method ", attack), labelled("digit ", chosen)),
    element("div", { class: "fk-row" }, ...Object.values(sliders).map(({ node }) => node), shared),
    element("div", { class: "fk-row" }, labelled("which will stand best? ", guess), go),
    status.node, list);

  const anew = () => { // another attack: what is shown is no longer its result
    if (running || done) status.say("Not attacked yet.");
    current++;
    forget();
    settle();
  };
  const hear = {
    ...Object.fromEntries(["ticked", "attack", "epsilon", "steps", "restarts", "transferred", "seed"]
      .map((name) => [`change:${name}`, anew])),
    "change:guess": settle,
    "change:chosen": () => {
      settle();
      if (!done) return;
      status.say(spoken([...outcomes.keys()]));
      tell();
    },
  };
  const deafen = listen(model, hear);
  settle();
  return () => {
    current++;
    deafen();
  };
}

export default widget("bench", "Defence bench", start, { networkOf, lazy: true });
