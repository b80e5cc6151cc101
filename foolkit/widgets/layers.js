// The layers of networks, forwards and backwards. Plain JavaScript, no library; the same numbers
// as in Python.
// @ts-check

// An image of several channels lies in one array: channel after channel, row by row.

// Every 5x5 window of the image, with all its channels, as one row: rows [windows][channels * 25].
/**
 * @param {Float64Array} image
 * @param {number} channels
 * @param {number} size across the image
 * @param {Float64Array} rows written
 */
export function windows(image, channels, size, rows) {
  const places = size - 4;
  let to = 0;
  for (let y = 0; y < places; y++) {
    for (let x = 0; x < places; x++) {
      for (let channel = 0; channel < channels; channel++) {
        let from = (channel * size + y) * size + x;
        for (let line = 0; line < 5; line++, from += size, to += 5) {
          rows[to] = image[from];
          rows[to + 1] = image[from + 1];
          rows[to + 2] = image[from + 2];
          rows[to + 3] = image[from + 3];
          rows[to + 4] = image[from + 4];
        }
      }
    }
  }
}

// A convolution asks of every window how well it fits every filter: bias + row . filter. Two
// filters and four windows at a time, so that each number that is read is used several times.
/**
 * @param {Float64Array} rows
 * @param {number} count of rows
 * @param {number} length of a row
 * @param {Float64Array} filters
 * @param {Float64Array} biases
 * @param {Float64Array} out written
 */
export function filter(rows, count, length, filters, biases, out) {
  for (let f = 0; f < biases.length; f += 2) {
    const filterA = f * length, filterB = filterA + length;
    for (let r = 0; r < count; r += 4) {
      const row0 = r * length, row1 = row0 + length, row2 = row1 + length, row3 = row2 + length;
      let a0 = biases[f], a1 = a0, a2 = a0, a3 = a0;
      let b0 = biases[f + 1], b1 = b0, b2 = b0, b3 = b0;
      for (let k = 0; k < length; k++) {
        const a = filters[filterA + k], b = filters[filterB + k];
        const x0 = rows[row0 + k], x1 = rows[row1 + k], x2 = rows[row2 + k], x3 = rows[row3 + k];
        a0 += a * x0; a1 += a * x1; a2 += a * x2; a3 += a * x3;
        b0 += b * x0; b1 += b * x1; b2 += b * x2; b3 += b * x3;
      }
      const toA = f * count + r, toB = toA + count;
      out[toA] = a0; out[toA + 1] = a1; out[toA + 2] = a2; out[toA + 3] = a3;
      out[toB] = b0; out[toB + 1] = b1; out[toB + 2] = b2; out[toB + 3] = b3;
    }
  }
}

// The largest of every 2x2 pixels, and where it stood: only the winner matters, also backwards.
/**
 * @param {Float64Array} image
 * @param {number} channels
 * @param {number} size across the image
 * @param {Float64Array} out written
 * @param {Int32Array} winners written
 */
export function pool(image, channels, size, out, winners) {
  let to = 0;
  for (let channel = 0; channel < channels; channel++) {
    for (let y = 0; y < size; y += 2) {
      for (let x = 0; x < size; x += 2, to++) {
        const corner = (channel * size + y) * size + x;
        let best = corner;
        if (image[corner + 1] > image[best]) best = corner + 1;
        if (image[corner + size] > image[best]) best = corner + size;
        if (image[corner + size + 1] > image[best]) best = corner + size + 1;
        out[to] = image[best];
        winners[to] = best;
      }
    }
  }
}

// Every output is connected with every input: bias + weights . input. Two outputs at a time, in
// two sums each: the processor need not wait for one addition before it starts the next.
/**
 * @param {Float64Array} input
 * @param {Float64Array} weights
 * @param {Float64Array} biases
 * @param {Float64Array} out written
 */
export function connect(input, weights, biases, out) {
  const length = input.length, even = length - length % 2;
  for (let i = 0; i < out.length; i += 2) {
    const next = Math.min(i + 1, out.length - 1); // of an odd number, the last one twice
    const rowA = i * length, rowB = next * length;
    let a0 = biases[i], a1 = 0, b0 = biases[next], b1 = 0;
    for (let j = 0; j < even; j += 2) {
      const x0 = input[j], x1 = input[j + 1];
      a0 += weights[rowA + j] * x0; a1 += weights[rowA + j + 1] * x1;
      b0 += weights[rowB + j] * x0; b1 += weights[rowB + j + 1] * x1;
    }
    if (even < length) {
      a0 += weights[rowA + even] * input[even];
      b0 += weights[rowB + even] * input[even];
    }
    out[i] = a0 + a1;
    out[next] = b0 + b1;
  }
}

/** @param {Float64Array} values changed */
export function rectify(values) {
  for (let i = 0; i < values.length; i++) if (values[i] < 0) values[i] = 0;
}

// ---- The same layers backwards: from the gradient at the output to the gradient at the input.

// Each output hands its gradient on along its weights. Most gradients are zero (units that the
// ReLU silenced, pixels that lost in the pooling): the others are collected, then taken four at a
// time. `start` and `count` say which part of `gradient` is meant.
const active = new Int32Array(1024);

/**
 * @param {ArrayLike<number>} gradient
 * @param {number} start
 * @param {number} count
 * @param {Float64Array} weights
 * @param {Float64Array} out written
 */
export function connectBackward(gradient, start, count, weights, out) {
  const length = out.length;
  let found = 0;
  for (let i = 0; i < count; i++) if (gradient[start + i] !== 0) active[found++] = i;
  out.fill(0);
  for (let n = 0; n < found; n += 4) {
    const i = active[n], left = found - n; // fewer than four are left at the end
    const j = left > 1 ? active[n + 1] : i, k = left > 2 ? active[n + 2] : i;
    const l = left > 3 ? active[n + 3] : i;
    const a = gradient[start + i], b = left > 1 ? gradient[start + j] : 0;
    const c = left > 2 ? gradient[start + k] : 0, d = left > 3 ? gradient[start + l] : 0;
    const rowA = i * length, rowB = j * length, rowC = k * length, rowD = l * length;
    for (let m = 0; m < length; m++) {
      out[m] += a * weights[rowA + m] + b * weights[rowB + m]
        + c * weights[rowC + m] + d * weights[rowD + m];
    }
  }
}

// Only the winner of a pooling has a gradient; `out` is [places][channels], the order in which
// filterBackward needs it.
/**
 * @param {Float64Array} gradient
 * @param {Int32Array} winners
 * @param {number} channels
 * @param {number} size across the image
 * @param {Float64Array} out written
 */
export function poolBackward(gradient, winners, channels, size, out) {
  const area = size * size, pooled = area / 4;
  out.fill(0);
  for (let p = 0; p < gradient.length; p++) {
    const channel = Math.floor(p / pooled);
    out[(winners[p] - channel * area) * channels + channel] = gradient[p];
  }
}

// At every place the filters were connected with one window: hand the gradient on to the window,
// and add it up where windows overlap.
/**
 * @param {Float64Array} gradient
 * @param {number} channels
 * @param {number} size across the image
 * @param {Float64Array} filters
 * @param {number} count of filters
 * @param {Float64Array} out written
 */
export function filterBackward(gradient, channels, size, filters, count, out) {
  const places = size - 4, row = new Float64Array(channels * 25);
  out.fill(0);
  for (let y = 0, place = 0; y < places; y++) {
    for (let x = 0; x < places; x++, place++) {
      connectBackward(gradient, place * count, count, filters, row);
      for (let channel = 0, k = 0; channel < channels; channel++) {
        let to = (channel * size + y) * size + x;
        for (let line = 0; line < 5; line++, to += size, k += 5) {
          out[to] += row[k];
          out[to + 1] += row[k + 1];
          out[to + 2] += row[k + 2];
          out[to + 3] += row[k + 3];
          out[to + 4] += row[k + 4];
        }
      }
    }
  }
}
