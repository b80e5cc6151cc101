// The keyboard: which way an arrow key points, and which keys belong to the browser.
// @ts-check

/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// One step to the right and down, as [dx, dy]; null: not an arrow key.
/** @param {KeyboardEvent} event */
export function arrowStep(event) {
  return ARROWS[event.key] ?? null;
}

// With one of these held down, a key belongs to the browser or the system.
/** @param {KeyboardEvent} event */
export function isShortcut(event) {
  return event.ctrlKey || event.altKey || event.metaKey;
}
