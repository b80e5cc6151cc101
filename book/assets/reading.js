// Two ways to read: "story" folds all code, "lab" shows it. One switch, remembered.
//
// This runs in the page's head, before anything is drawn, so that nothing flashes. Without it the
// page is the lab.
// @ts-check
(() => {
  const KEY = "reading";
  const WAYS = /** @type {const} */ ([["story", "Story", "Story: code is folded"], ["lab", "Lab", "Lab: code is shown"]]);
  const page = document.documentElement;

  const remembered = () => {
    try {
      return localStorage.getItem(KEY);
    } catch { // a page from disk, or a browser that keeps nothing
      return null;
    }
  };
  page.dataset.reading = remembered() === "lab" ? "lab" : "story";

  /** @param {string} way */
  function read(way) {
    page.dataset.reading = way;
    try {
      localStorage.setItem(KEY, way);
    } catch { /* then it is kept for this page alone */ }
    for (const one of document.querySelectorAll(".book-reading button")) {
      one.setAttribute("aria-pressed", String(one.getAttribute("value") === way));
    }
  }

  // One cell of the story, unfolded or folded again.
  /** @param {Element} button */
  function unfold(button) {
    const cell = button.closest(".book-cell");
    if (!cell) return;
    const open = cell.classList.toggle("book-open");
    button.setAttribute("aria-expanded", String(open));
    for (const details of cell.querySelectorAll("details")) details.open = open;
  }

  // What is wider than its place scrolls there, says so, and can be reached with the keyboard.
  function markWide() {
    const wide = ".bd-article pre, .bd-article .cell_output table, .bd-article table.table, "
      + ".bd-article .pst-scrollable-table-container, "
      + ".bd-article div.math, .bd-article mjx-container[display='true']";
    for (const one of document.querySelectorAll(wide)) {
      const scrolls = one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX !== "visible";
      one.classList.toggle("book-wide", scrolls);
      if (scrolls) one.setAttribute("tabindex", "0");
    }
  }

  // A question before a result: its widget says when it asks and when it was answered, and until
  // then the output of the next cell is veiled. Without scripts nothing is.
  /**
   * @param {Event} event
   * @param {boolean} veiled
   */
  function veil(event, veiled) {
    const cells = [...document.querySelectorAll(".bd-article .cell")];
    const asking = event.target instanceof Element ? event.target.closest(".cell") : null;
    if (!asking) return;
    for (const output of cells[cells.indexOf(asking) + 1]?.querySelectorAll(".cell_output") ?? []) {
      output.classList.toggle("book-veiled", veiled);
      output.toggleAttribute("inert", veiled);
    }
  }
  document.addEventListener("fk-asks", (event) => veil(event, true));
  document.addEventListener("fk-answered", (event) => veil(event, false));

  document.addEventListener("DOMContentLoaded", () => {
    const group = document.createElement("div");
    group.className = "book-reading";
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "How to read");
    for (const [way, name, title] of WAYS) {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", value: way, textContent: name, title });
      button.addEventListener("click", () => { read(way); markWide(); });
      group.append(button);
    }
    document.querySelector(".header-article-items__end")?.prepend(group);
    read(page.dataset.reading ?? "story");
    document.addEventListener("click", (event) => {
      const button = event.target instanceof Element && event.target.closest(".book-code");
      if (button) { unfold(button); markWide(); }
    });
    document.addEventListener("toggle", markWide, true);
  });
  addEventListener("load", markWide);
  addEventListener("resize", markWide);
})();
