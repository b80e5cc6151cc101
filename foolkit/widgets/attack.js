// Fooling by gradient: change every pixel a little, in the direction that hurts the answer most.

// How the loss, -log p_answer, changes with each pixel. With respect to the logits the gradient is
// p - onehot(answer): raise every other class in proportion to its confidence.
function lossGradient(net, image, answer) {
  const direction = net.confidences(image);
  direction[answer] = -direction.reduce((sum, p, k) => (k === answer ? sum : sum + p), 0);
  return net.gradient(direction);
}

// Steps of projected gradient ascent on the largest-change ball (Kurakin et al. 2016, Madry et al.
// 2018): each step moves every pixel by `step` in the direction of the gradient's sign, and no
// pixel ever leaves [0, 1] or is further than epsilon from where it started. With a `target` it
// descends towards that class instead. A generator: yields after each step, so that a page can
// draw what happens; ends when the answer has changed, or after `steps`.
function* fool(net, original, { epsilon, target = null, step = Math.max(epsilon / 10, 0.002), steps = 60 }) {
  const image = Float64Array.from(original);
  const first = indexOfLargest(net.logits(image));
  const goal = target === first ? null : target;
  const towards = goal === null ? 1 : -1;
  for (let n = 1; n <= steps; n++) {
    const gradient = lossGradient(net, image, goal ?? first);
    for (let i = 0; i < image.length; i++) {
      const moved = image[i] + towards * step * Math.sign(gradient[i]);
      const near = Math.min(original[i] + epsilon, Math.max(original[i] - epsilon, moved));
      image[i] = Math.min(1, Math.max(0, near));
    }
    const confidences = net.confidences(image);
    const answer = indexOfLargest(confidences);
    const done = goal === null ? answer !== first : answer === goal;
    yield { image, confidences, answer, first, steps: n, done };
    if (done) return;
  }
}

// The shortest way across the boundary to the class `goal`, step by step (DeepFool, Moosavi-Dezfooli
// et al. 2016): take the boundary for flat, go as far as that says and 2 % further, look again. No
// pixel leaves [0, 1]. Returns the change of the image, or null if `steps` did not suffice.
function changeTo(net, original, goal, steps = 50) {
  const image = Float64Array.from(original), first = indexOfLargest(net.logits(original));
  const direction = new Float64Array(10);
  direction[goal] = 1;
  direction[first] = -1;
  for (let n = 0; n < steps; n++) {
    const logits = net.logits(image);
    if (indexOfLargest(logits) === goal) return image.map((value, i) => value - original[i]);
    const gap = Math.abs(logits[first] - logits[goal]) + 1e-4;
    const gradient = net.gradient(direction); // of the goal's lead
    for (let i = 0; i < 784; i++) { // a pixel at its limit cannot go further
      if ((image[i] <= 0 && gradient[i] < 0) || (image[i] >= 1 && gradient[i] > 0)) gradient[i] = 0;
    }
    const squares = gradient.reduce((sum, g) => sum + g * g, 0);
    if (squares === 0) return null;
    for (let i = 0; i < 784; i++) {
      image[i] = Math.min(1, Math.max(0, image[i] + 1.02 * gap * gradient[i] / squares));
    }
  }
  return null;
}

// The ways to the nearest boundaries, the shortest first: [{goal, change, length}]. A generator,
// since nine classes are tried; its last value is the list.
function* adversarialWays(net, original) {
  const first = indexOfLargest(net.logits(original)), ways = [];
  for (let goal = 0; goal < 10; goal++) {
    if (goal === first) continue;
    const change = changeTo(net, original, goal);
    if (change) ways.push({ goal, change, length: norm(change) });
    yield ways;
  }
  ways.sort((a, b) => a.length - b.length);
  yield ways;
}

const norm = (vector) => Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
