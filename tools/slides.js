// Arrow keys, Space and PageUp or PageDown go from slide to slide; without scripts the page scrolls.
const slides = [...document.querySelectorAll("section")];
/** @type {Record<string, number>} */
const steps = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 };
document.addEventListener("keydown", (event) => {
  const step = steps[event.key];
  if (!step || (event.target instanceof Element && event.target.closest("summary, a"))) return;
  event.preventDefault();
  const here = slides.findIndex((slide) => slide.getBoundingClientRect().bottom > innerHeight / 2);
  slides[Math.min(Math.max(here + step, 0), slides.length - 1)].scrollIntoView();
});
