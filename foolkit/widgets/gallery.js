// Pictures to sort, to look at closely, and to guess. Their names and numbers come from Python.
// @ts-check

import { percent } from "./confidence.js";
import { arrowStep, isShortcut } from "./keys.js";
import { likeliestNames } from "./likeliest.js";
import { announcement, button, element, labelled, lessMotion, menu } from "./page.js";
import { readPicture } from "./photo_files.js";
import { sleepingNetwork } from "./photo_network.js";
import { listen, widget } from "./widget.js";

/** @import { Start } from "./widget.js" */
/**
 * @typedef {object} Traits as the Python class has them
 * @property {DataView<ArrayBuffer>[]} pictures
 * @property {number[]} shape
 * @property {string[]} names
 * @property {string[]} offered
 * @property {string} second
 * @property {string[][]} notes
 * @property {string[]} orders
 * @property {number[][]} values
 * @property {string} order
 * @property {boolean} ascending
 * @property {number} chosen
 * @property {boolean} guessing
 * @property {number[][]} questions
 * @property {number[]} given
 * @property {number} score
 */

/** @param {Start<Traits>} start */
function start({ model, root, fileOf }) {
  const names = model.get("names"), notes = model.get("notes"), total = names.length;
  const offered = model.get("offered"), second = model.get("second"), SEEN = 224;
  const questions = model.get("questions"), [width, height] = model.get("shape");
  const COUNTED = ["none", "one", "two", "three", "four"];
  const chance = () => `one in ${COUNTED[questions[0].length - 1]}`;

  // ---- the pictures: bytes that are files, RIFF begins a WebP ----
  const files = model.get("pictures").map((view) => new Blob([view],
    { type: view.getUint8(0) === 0x52 ? "image/webp" : "image/jpeg" }));
  const addresses = files.map((file) => URL.createObjectURL(file));
  /**
   * @param {string} alt
   * @param {string} [address]
   */
  function photo(alt, address) {
    const node = element("img", { alt, width, height, class: "fk-photo" });
    node.classList.toggle("fk-coarse", Math.max(width, height) < 64);
    if (address) node.src = address;
    return node;
  }

  // ---- orders ----
  const valuesOf = () => model.get("values")[model.get("orders").indexOf(model.get("order"))];
  /** @param {number} n */
  function worded(n) {
    const values = valuesOf();
    if (values.every((value) => value >= 0 && value <= 1)) return percent(values[n]);
    return String(Number(values[n].toPrecision(3))).replace("-", "−");
  }
  function arranged() { // equal ones stay as they were given, either way
    const values = valuesOf(), sign = model.get("ascending") ? 1 : -1;
    return names.map((_, n) => n).sort((a, b) => sign * (values[a] - values[b]) || a - b);
  }

  // ---- the grid; one picture at a time is on the way of the Tab key ----
  const tiles = names.map((name, n) => {
    const value = element("span", { class: "fk-value" });
    const press = button("", () => choose(model.get("chosen") === n ? -1 : n),
      { class: "fk-tile", "aria-pressed": "false", tabindex: -1 });
    press.append(photo(name, addresses[n]), element("span", {}, name), value);
    press.addEventListener("focus", () => reach(n));
    press.addEventListener("keydown", (event) => steer(event, n));
    return { press, value, node: element("li", {}, press) };
  });
  const grid = element("ul", { class: "fk-tiles fk-album", role: "list", "aria-label": "The pictures" });
  const status = announcement();
  /** @type {number[]} */
  let order = [];
  let reached = -1;

  /** @param {number} n */
  function reach(n) {
    if (reached >= 0) tiles[reached].press.tabIndex = -1;
    reached = n;
    tiles[n].press.tabIndex = 0;
  }
  /** @param {boolean} speak */
  function sort(speak) {
    order = arranged();
    const tree = /** @type {Document | ShadowRoot} */ (root.getRootNode());
    const focused = tree.activeElement;
    grid.append(...order.map((n) => tiles[n].node));
    tiles.forEach(({ press, value }, n) => {
      value.textContent = worded(n);
      press.setAttribute("aria-label", `${names[n]}, ${worded(n)}`);
    });
    if (reached < 0) reach(order[0]);
    if (focused instanceof HTMLElement && grid.contains(focused)) focused.focus(); // a node that is moved loses it
    else grid.scrollTop = 0;
    place();
    if (!speak) return;
    const [first, last] = [order[0], order[total - 1]].map((n) => `${names[n]}, ${worded(n)}`);
    status.say(`Sorted by ${model.get("order")}, ${model.get("ascending") ? "smallest" : "largest"} first. `
      + `First: ${first}. Last: ${last}.`);
  }
  /**
   * @param {KeyboardEvent} event
   * @param {number} n
   */
  function steer(event, n) {
    if (isShortcut(event) || event.shiftKey) return;
    const rows = new Set(order.map((one) => tiles[one].node.offsetTop)).size;
    const row = order.filter((one) => tiles[one].node.offsetTop === tiles[order[0]].node.offsetTop).length;
    const at = order.indexOf(n), last = total - 1;
    const arrow = arrowStep(event);
    let to = event.key === "Home" ? 0 : last;
    if (arrow) to = at + arrow[0] + row * arrow[1];
    else if (event.key !== "Home" && event.key !== "End") return;
    // from the last row but one to the last, though nothing may lie below
    if (arrow?.[1] === 1 && to > last && Math.floor(at / row) < rows - 1) to = last;
    event.preventDefault();
    if (to >= 0 && to <= last) tiles[order[to]].press.focus();
  }

  // ---- the chosen picture, enlarged ----
  const hint = element("p", { class: "fk-note" }, "Choose a picture to look closely. With the keyboard: "
    + "arrow keys, Enter to enlarge, Escape to close.");
  const title = element("p", { class: "fk-title" }), large = photo("no picture chosen");
  const lines = element("ul", { class: "fk-facts", role: "list" }), where = element("p", { class: "fk-note" });
  const closer = button("Close", () => close());
  const asker = button("Ask the network in this page", consult), likeliest = likeliestNames();
  const live = element("div", {}, asker, likeliest.node);
  live.hidden = !model.get("networks").length;
  const open = element("div", { hidden: "" }, title, large, lines, where, live, closer);
  const panel = element("div", { class: "fk-close-up", role: "region", "aria-label": "The chosen picture" },
    hint, open);

  const network = sleepingNetwork({ fileOf, say: (text) => status.say(text) });
  async function consult() { // the picture as it is stored, made as large as the network takes it
    const n = model.get("chosen");
    try {
      const { run, names: classes } = await network.wake();
      const { confidences } = await run("judge", { levels: await readPicture(files[n], SEEN), size: SEEN }).result;
      if (model.get("chosen") !== n) return;
      const says = likeliest.show(classes, confidences, classes.indexOf(names[n]));
      likeliest.node.hidden = false;
      status.say(`In this picture, as it is stored here, the network of this page sees ${says}.`);
    } catch (error) {
      status.say(error instanceof Error ? error.message : String(error));
    }
  }

  /**
   * @param {HTMLElement} list
   * @param {number} n
   */
  const listed = (list, n) => list.replaceChildren(...notes[n].map((line) => element("li", {}, line)));
  function place() {
    const n = model.get("chosen");
    if (n < 0) return;
    where.textContent = `Place ${order.indexOf(n) + 1} of ${total} by ${model.get("order")}: ${worded(n)}.`;
  }
  function show() {
    const n = model.get("chosen");
    tiles.forEach(({ press }, one) => press.setAttribute("aria-pressed", String(one === n)));
    open.hidden = n < 0;
    hint.hidden = n >= 0;
    if (n < 0) return;
    title.textContent = names[n];
    large.src = addresses[n];
    large.alt = names[n];
    likeliest.node.hidden = true; // until the network is asked
    listed(lines, n);
    place();
  }
  /** @param {number} n */
  function choose(n) {
    model.set("chosen", n); // heard below, like a change from Python
    model.save_changes();
    if (n < 0) return;
    status.say([`Enlarged: ${names[n]}, ${worded(n)}`, ...notes[n]].join(". "));
    panel.scrollIntoView({ block: "nearest", behavior: lessMotion() ? "auto" : "smooth" });
  }
  function close() {
    const n = model.get("chosen");
    choose(-1);
    status.say("Closed.");
    tiles[n].press.focus();
  }
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || model.get("guessing") || model.get("chosen") < 0) return;
    event.preventDefault();
    close();
  });

  // ---- guessing: one question after the other, the names hidden until the answer ----
  const asked = element("p", { class: "fk-title", tabindex: -1 }), riddle = photo("picture, name hidden");
  const options = element("div", { class: "fk-options", role: "group", "aria-label": "Which name?" });
  const told = element("ul", { class: "fk-facts", role: "list" });
  const next = button("Next picture", () => { ask(); asked.focus(); }, { class: "fk-main" });
  const score = element("p", { class: "fk-score" });
  /** @type {HTMLButtonElement[]} */
  let presses = []; // of the names to choose from
  const game = element("div", { hidden: "" }, asked,
    element("div", { class: "fk-chosen" }, riddle, element("div", { class: "fk-answers" },
      options, told, next)), score);

  // The second network's choice is its first of all names, which is always among those offered.
  const secondSays = (/** @type {number} */ n) => offered[total + n];
  function scores() {
    const given = model.get("given").length;
    const asked = Array.from({ length: given }, (_, number) => questions[number % questions.length][0]);
    const own = `${model.get("score")} of ${given}`, theirs = asked.filter((n) => secondSays(n) === names[n]).length;
    if (!given) return "";
    return second ? `Score: you ${own}, ${second} ${theirs} of ${given}. ` : `Score: ${own}. `;
  }
  function scored() {
    score.textContent = `${scores()}Chance is ${chance()}: so many are right without looking.`
      + (second ? ` ${second} has the same four names; the wrong one that it likes best is always among them.` : "");
  }
  function ask() {
    const number = model.get("given").length, [n, ...choices] = questions[number % questions.length];
    asked.textContent = `Question ${number + 1}: what does the network see in this picture?`;
    riddle.src = addresses[n];
    riddle.alt = "picture, name hidden";
    presses = choices.map((other) => button(offered[other], () => answer(n, other, choices)));
    options.replaceChildren(...presses);
    told.replaceChildren();
    next.hidden = true;
    scored();
  }
  /**
   * @param {number} n
   * @param {number} said
   * @param {number[]} choices
   */
  function answer(n, said, choices) {
    const right = said === n, given = [...model.get("given"), said];
    next.hidden = false;
    next.focus(); // before the button that has it is disabled
    model.set("given", given);
    model.set("score", model.get("score") + (right ? 1 : 0));
    model.save_changes();
    choices.forEach((other, at) => {
      const mark = other === n ? " ✓" : other === said ? " ✗" : "";
      presses[at].append(mark);
      presses[at].disabled = true;
      presses[at].classList.toggle("fk-marked", mark !== "");
    });
    riddle.alt = names[n];
    listed(told, n);
    scored();
    status.say(`${right ? "Right" : "Wrong"}: the network sees “${names[n]}”. `
      + `${second ? `${second} chose “${secondSays(n)}”. ` : ""}${scores()}`);
  }

  // ---- controls ----
  const choice = menu(model.get("orders").map((name) => [name, name]), (value) => {
    model.set("order", value);
    model.save_changes();
  });
  const reverse = button("Reverse the order", () => {
    model.set("ascending", !model.get("ascending"));
    model.save_changes();
  });
  const browse = element("div", {},
    element("div", { class: "fk-row" }, labelled("Sort by ", choice), reverse),
    element("div", { class: "fk-columns" }, grid, panel));
  const modes = ["Look", "Guess"].map((text) => button(text, () => {
    model.set("guessing", text === "Guess");
    model.save_changes();
  }));
  const group = element("div", { class: "fk-row", role: "group", "aria-label": "Look or guess" }, ...modes);
  group.hidden = questions.length === 0;
  root.append(group, status.node, browse, game);

  function turn() {
    const guessing = model.get("guessing");
    modes.forEach((one, at) => one.setAttribute("aria-pressed", String(guessing === (at === 1))));
    browse.hidden = guessing;
    game.hidden = !guessing;
    if (guessing) {
      ask();
      status.say("Choose one of the names.");
    } else sort(true);
  }
  const resort = () => { choice.value = model.get("order"); sort(!model.get("guessing")); };
  const hear = {
    "change:order": resort,
    "change:ascending": resort,
    "change:chosen": show,
    "change:guessing": turn,
  };
  const deafen = listen(model, hear);
  choice.value = model.get("order");
  sort(false);
  show();
  turn();
  return () => {
    deafen();
    network.end();
    addresses.forEach((address) => URL.revokeObjectURL(address));
  };
}

export default widget("gallery", "A gallery: sort, look closely, guess", start, { lazy: true });
