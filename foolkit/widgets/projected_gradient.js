// Projected gradient steps: along the sign of a slope, and never out of the box around an image.
// @ts-check

// A step's box: no pixel leaves [0, 1] or is further than epsilon from where it was.
function boxed(original, epsilon) {
  const low = original.map((x) => Math.max(-epsilon, -x));
  const high = original.map((x) => Math.min(epsilon, 1 - x));
  return (change) => change.map((d, i) => Math.min(high[i], Math.max(low[i], d)));
}

// The steps (Kurakin et al. 2016, Madry et al. 2018) from the change `start`: each moves every pixel
// by `length` in the direction of the sign of slopeOf(image). A generator: yields after each step,
// without end; `stuck`: the slope was exactly zero, the image stays where it is.
export function* projectedSteps(original, start, { epsilon, length, slopeOf }) {
  const box = boxed(original, epsilon);
  const added = (change) => original.map((x, i) => x + change[i]);
  let change = box(start), image = added(change);
  for (;;) {
    const slope = slopeOf(image), stuck = slope.every((g) => g === 0);
    if (!stuck) {
      change = box(change.map((d, i) => d + length * Math.sign(slope[i])));
      image = added(change);
    }
    yield { image, stuck };
  }
}
