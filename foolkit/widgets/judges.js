// Forgeries before several networks: a matrix of verdicts, and whatever is chosen in it up close.
// @ts-check

import { barRow, confidenceBars } from "./bars.js";
import { CLASS_COLOURS } from "./confidence.js";
import { arrowStep, isShortcut } from "./keys.js";
import { networkOf } from "./network.js";
import { announcement, button, element, labelled, menu, slider } from "./page.js";
import { fromBytes, paint, picture } from "./pictures.js";
import { pushed, verdictOf } from "./verdict.js";
import { listen, widget } from "./widget.js";

/** @import { DigitNetwork } from "./network.js" */
/** @import { Start } from "./widget.js" */
/**
 * @typedef {object} Traits as the Python class has them
 * @property {DataView} images
 * @property {DataView} originals
 * @property {number[]} classes
 * @property {number[]} truth
 * @property {string[]} families
 * @property {string[]} makers
 * @property {string[]} judges
 * @property {number} examples
 * @property {number} row
 * @property {number} column
 * @property {number} example
 * @property {number} push
 * @property {number} answer
 * @property {number[]} confidence
 */

/** @param {Start<Traits, DigitNetwork>} start */
function start({ model, root, nets }) {
  const judges = model.get("judges"), families = model.get("families"), makers = model.get("makers");
  const examples = model.get("examples"), classes = model.get("classes"), truth = model.get("truth");
  const networks = Object.fromEntries(model.get("networks").map((name, n) => [name, nets[n]]));
  /** @param {number} row */
  const place = (row) => row * examples + model.get("example");
  /** @param {number} digit */
  const an = (digit) => `${digit === 8 ? "an" : "a"} ${digit}`;

  // The forgery of a row; a changed image is pushed further.
  /** @param {number} row */
  function pixels(row) {
    const image = fromBytes(model.get("images"), place(row));
    if (truth[place(row)] < 0) return image;
    return pushed(fromBytes(model.get("originals"), place(row)), image, model.get("push"));
  }

  // ---- the matrix ----
  const cells = families.map((_, row) => judges.map((_, column) => {
    const cell = button("", () => choose(row, column), { class: "fk-cell", tabindex: -1 });
    cell.addEventListener("keydown", (event) => steer(event, row, column));
    return cell;
  }));
  const thumbnails = families.map(() =>
    element("canvas", { width: 28, height: 28, class: "fk-picture", "aria-hidden": "true" }));
  const called = families.map(() => element("span", { class: "fk-note" }));
  const table = element("table", { role: "grid", "aria-label": "What each judge sees in each forgery" },
    element("thead", {}, element("tr", { role: "row" },
      element("th", { role: "columnheader", scope: "col" }, "forgery"),
      ...judges.map((name) => element("th", { role: "columnheader", scope: "col" },
        element("span", { class: "fk-upright" }, name))))),
    element("tbody", {}, ...families.map((family, row) => element("tr", { role: "row" },
      element("th", { role: "rowheader", scope: "row" },
        element("div", { class: "fk-forgery" }, thumbnails[row], element("span", {}, family, called[row]))),
      ...cells[row].map((cell) => element("td", { role: "gridcell" }, cell))))));

  /** @param {number} row */
  function judgeRow(row) {
    const image = pixels(row), wanted = classes[place(row)];
    paint(thumbnails[row], image);
    const shows = truth[place(row)] < 0 ? "" : `a ${truth[place(row)]} `;
    called[row].textContent = `${makers[row]}: ${shows}as “${wanted}”`;
    judges.forEach((name, column) => {
      const { confidences, answer, sure } = verdictOf(networks[name], image);
      const same = answer === wanted, cell = cells[row][column];
      cell.replaceChildren(element("b", {}, String(answer)),
        element("small", {}, `${Math.floor(100 * confidences[answer] + 1e-6)} %`));
      cell.classList.toggle("fk-same", same);
      cell.setAttribute("aria-label", `${name} sees ${an(answer)}, ${sure}`
        + `${same ? ", as forged" : ""}: ${families[row]} on ${makers[row]}`);
    });
  }

  // ---- what is chosen ----
  const large = picture("The chosen forgery", { class: "fk-picture fk-large" });
  const panel = judges.map((name) => barRow(element("span", {}, name)));
  const heading = element("p", { class: "fk-title" });
  const own = { title: element("p", { class: "fk-title" }), bars: confidenceBars("Its own network") };
  const other = { title: element("p", { class: "fk-title" }), bars: confidenceBars("The chosen judge") };
  const status = announcement();

  function show(speak = true) {
    const row = model.get("row"), column = model.get("column"), image = pixels(row);
    /** @param {string} name */
    const verdict = (name) => verdictOf(networks[name], image);
    const all = judges.map(verdict), judge = all[column], maker = verdict(makers[row]);
    paint(large, image);
    large.setAttribute("aria-label", `${families[row]} on ${makers[row]}, made as ${classes[place(row)]}`);
    heading.textContent = `${families[row]} on ${makers[row]}: every judge`;
    all.forEach(({ confidences, answer, sure }, n) => panel[n].show({
      share: confidences[answer], colour: CLASS_COLOURS[answer], marked: n === column,
      text: `“${answer}” ${sure}${n === column ? " ◂" : ""}`,
    }));
    own.title.textContent = `${makers[row]}, on which it was made`;
    own.bars.show(maker.confidences);
    other.title.textContent = `${judges[column]}, the judge`;
    other.bars.show(judge.confidences);
    cells.forEach((line, r) => line.forEach((cell, c) => {
      const chosen = r === row && c === column;
      cell.tabIndex = chosen ? 0 : -1;
      cell.setAttribute("aria-pressed", String(chosen));
    }));
    push.node.hidden = truth[place(row)] < 0;
    if (!speak) return;
    status.say(`${families[row]}: ${judges[column]} sees ${an(judge.answer)}, with ${judge.sure} `
      + `confidence; ${makers[row]}, on which it was made, ${an(maker.answer)}, with ${maker.sure}.`);
    model.set("answer", judge.answer);
    model.set("confidence", Array.from(judge.confidences));
    model.save_changes();
  }
  /**
   * @param {number} row
   * @param {number} column
   */
  function choose(row, column) {
    model.set("row", row);
    model.set("column", column);
    show();
  }
  /**
   * @param {KeyboardEvent} event
   * @param {number} row
   * @param {number} column
   */
  function steer(event, row, column) {
    if (isShortcut(event) || event.shiftKey) return;
    const last = judges.length - 1;
    const step = event.key === "Home" ? [-column, 0]
      : event.key === "End" ? [last - column, 0] : arrowStep(event);
    if (!step) return;
    const [along, down] = step;
    event.preventDefault();
    const r = Math.min(families.length - 1, Math.max(0, row + down));
    const c = Math.min(last, Math.max(0, column + along));
    choose(r, c);
    cells[r][c].focus();
  }

  // ---- controls ----
  const options = Array.from({ length: examples }, (_, n) => [n, `${n + 1} of ${examples}`]);
  const choice = menu(options, (value) => {
    model.set("example", Number(value)); // heard below, like a change from Python
    model.save_changes();
  });
  const push = slider("times the change", {
    min: 1, max: 6, step: 0.25, value: model.get("push"), format: (value) => value.toFixed(2),
  }, (value) => model.set("push", value));
  root.append(
    element("div", { class: "fk-row" }, labelled("examples ", choice)),
    element("div", { class: "fk-scroll" }, table),
    element("p", { class: "fk-note" }, "A filled cell: the judge sees what was forged. Below its answer "
      + "the confidence, rounded down."),
    status.node,
    element("div", { class: "fk-columns fk-close" },
      element("div", {}, large, push.node),
      element("div", {}, heading, element("ol", {
        class: "fk-bars fk-panel", role: "list", "aria-label": "Every judge on the chosen forgery",
      }, ...panel.map(({ node }) => node)))),
    element("div", { class: "fk-pair" },
      element("div", {}, own.title, own.bars.node), element("div", {}, other.title, other.bars.node)));

  const judgeAll = () => families.forEach((_, row) => judgeRow(row));
  const hear = {
    "change:example": () => { choice.value = String(model.get("example")); judgeAll(); show(); },
    "change:push": () => {
      push.set(model.get("push"));
      families.forEach((_, row) => { if (truth[place(row)] >= 0) judgeRow(row); });
      show();
    },
    "change:row": () => show(false),
    "change:column": () => show(false),
  };
  const deafen = listen(model, hear);
  choice.value = String(model.get("example"));
  judgeAll();
  show(false);
  return deafen;
}

export default widget("judges", "One forgery, many judges", start, { networkOf });
