// A name among a thousand, found by typing a part of it.
// @ts-check

import { element, labelled } from "./page.js";

// The classes whose name has the text: first those that begin with it.
/**
 * @param {string[]} names
 * @param {string} text
 */
export function matching(names, text) {
  const sought = text.trim().toLowerCase();
  const places = names.map((name) => name.toLowerCase().indexOf(sought));
  return names.map((_, k) => k).filter((k) => places[k] >= 0)
    .sort((a, b) => Number(places[a] > 0) - Number(places[b] > 0) || a - b);
}

// A field for a part of the name, and the list of the names that have it. Enter takes the first.
// `choose` is called with the number of a class.
/**
 * @param {string} text
 * @param {(chosen: number) => void} choose
 */
export function nameSearch(text, choose) {
  /** @type {string[]} */
  let names = [];
  let chosen = -1;
  const field = element("input", { type: "search", autocomplete: "off", placeholder: "a part of a name" });
  const list = element("select", { size: 4, "aria-label": `${text}: names found` });
  const count = element("span", { class: "fk-note", role: "status" });
  function show() {
    const found = matching(names, field.value);
    list.replaceChildren(...found.map((k) => element("option", { value: k }, names[k])));
    list.value = String(chosen);
    const now = chosen < 0 || !names.length ? "" : `Chosen: “${names[chosen]}”.`;
    count.textContent = found.length === names.length ? now : `${found.length} of ${names.length} names. ${now}`;
  }
  const take = () => {
    if (list.value !== "") choose(Number(list.value));
  };
  field.addEventListener("input", show);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && list.options.length) {
      list.selectedIndex = 0;
      take();
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      list.focus();
    }
  });
  list.addEventListener("change", take);
  return {
    node: element("div", { class: "fk-search" }, labelled(text, field), count, list),
    /**
     * @param {string[]} all
     * @param {number} now the class that is chosen
     */
    set(all, now) {
      names = all;
      chosen = now;
      show();
    },
  };
}
