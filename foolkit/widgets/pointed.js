// Which cell of a grid over a picture the pointer is at.
// @ts-check

// Column and row, each 0 to count - 1; beyond the edge the nearest.
/**
 * @param {PointerEvent} event
 * @param {HTMLElement} picture
 * @param {number} count
 * @returns {[number, number]}
 */
export function cellUnder(event, picture, count) {
  const box = picture.getBoundingClientRect();
  /**
   * @param {number} from
   * @param {number} length
   */
  const at = (from, length) => Math.min(count - 1, Math.max(0, Math.floor(count * from / length)));
  return [at(event.clientX - box.left, box.width), at(event.clientY - box.top, box.height)];
}
