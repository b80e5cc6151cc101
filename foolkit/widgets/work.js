// Long work in short slices: in between the page draws and listens.
// @ts-check

const SLICE = 12; // milliseconds of work between two looks at the reader's mouse

export const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve));

// Runs a generator to its end; `show` gets its latest value once a slice, and may return false to
// stop. In between the page draws and listens.
/**
 * @template T
 * @param {Generator<T, void>} generator
 * @param {(latest: T | undefined, ended: boolean) => boolean | void} show
 */
export async function inSlices(generator, show) {
  for (;;) {
    const until = performance.now() + SLICE;
    /** @type {T | undefined} */
    let latest;
    let step;
    do {
      step = generator.next();
      if (!step.done) latest = step.value;
    } while (!step.done && performance.now() < until);
    if (show(latest, Boolean(step.done)) === false || step.done) return;
    await nextFrame();
  }
}
