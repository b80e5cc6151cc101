// The matrix product as a program of WebAssembly, written out byte by byte: four numbers at a time.
// @ts-check

// A function of WebAssembly is a list of instructions for a machine with a stack: `local.get` lays
// a variable on it, `i32.add` takes two numbers off and lays their sum on it. The helpers below
// return the bytes of such instructions, so that the product can be read like a program; their
// numbers stand in the appendix of WebAssembly's specification, "Index of Instructions".
// All that matters about the loops is said in products.js, where the same program is JavaScript.

/** @typedef {number[]} Bytes */

// Addresses and steps are in bytes. `groups` are of four rows, `panels` of eight columns.
const PARAMETERS = ["rows", "rowStep", "groups", "length", "panels", "weights", "biases", "out", "outStep"];
const LEAST = "least"; // a float: what is less becomes this
const ROWS = [0, 1, 2, 3]; // of a group
const HALVES = [0, 1]; // of a panel: four columns each
const TERMS = [0, 1, 2, 3]; // of the sum, in one turn of the inmost loop
const COUNTERS = ["group", "left", "weight", ...ROWS.flatMap((r) => [`row${r}`, `from${r}`, `to${r}`])];
const VECTORS = ["factor", "floor", ...HALVES.map((h) => `weights${h}`),
  ...ROWS.flatMap((r) => HALVES.map((h) => `sum${r}${h}`))];
const NAMES = [...PARAMETERS, LEAST, ...COUNTERS, ...VECTORS];
const I32 = 0x7f, F32 = 0x7d, V128 = 0x7b; // an integer, a float, a vector: here of four floats
const SIMD = 0xfd; // begins every instruction on vectors
const FLOAT = 4, VECTOR = 16; // bytes

// ---- instructions ----
/** @param {string} name */
const get = (name) => [0x20, NAMES.indexOf(name)];
/**
 * @param {string} name
 * @param {Bytes} value
 */
const set = (name, value) => [...value, 0x21, NAMES.indexOf(name)];
const whole = (/** @type {number} */ n) => [0x41, n]; // below 64, which one byte holds
const add = (/** @type {Bytes} */ a, /** @type {Bytes} */ b) => [...a, ...b, 0x6a];
const minus = (/** @type {Bytes} */ a, /** @type {Bytes} */ b) => [...a, ...b, 0x6b];
const shifted = (/** @type {Bytes} */ a, /** @type {number} */ bits) => [...a, ...whole(bits), 0x74];
/**
 * @param {string} name
 * @param {Bytes} step
 */
const advance = (name, step) => set(name, add(get(name), step));
// At an address, and so many bytes on (below 128); 2: aligned to 2 ** 2 bytes.
/**
 * @param {string} address
 * @param {number} [on]
 */
const load = (address, on = 0) => [...get(address), SIMD, 0x00, 2, on];
/**
 * @param {string} address
 * @param {number} on
 */
const loadToAllFour = (address, on) => [...get(address), SIMD, 0x09, 2, on];
/**
 * @param {string} address
 * @param {number} on
 * @param {Bytes} value
 */
const store = (address, on, value) => [...get(address), ...value, SIMD, 0x0b, 2, on];
const plus = (/** @type {Bytes} */ a, /** @type {Bytes} */ b) => [...a, ...b, SIMD, 0xe4, 1];
const times = (/** @type {Bytes} */ a, /** @type {Bytes} */ b) => [...a, ...b, SIMD, 0xe6, 1];
const larger = (/** @type {Bytes} */ a, /** @type {Bytes} */ b) => [...a, ...b, SIMD, 0xe9, 1];
const inAllFour = (/** @type {Bytes} */ float) => [...float, SIMD, 0x13];
// The body, until the counter has come down to zero.
/**
 * @param {string} counter
 * @param {Bytes[]} body
 */
const repeat = (counter, ...body) => [
  0x03, 0x40, ...body.flat(), ...set(counter, minus(get(counter), whole(1))),
  ...get(counter), 0x0d, 0, 0x0b,
];

// ---- the program ----
const multiply = [...set("floor", inAllFour(get(LEAST))), ...repeat("panels",
  ...ROWS.flatMap((r) => [
    set(`row${r}`, r ? add(get(`row${r - 1}`), get("rowStep")) : get("rows")),
    set(`to${r}`, r ? add(get(`to${r - 1}`), get("outStep")) : get("out")),
  ]),
  set("group", get("groups")),
  repeat("group",
    ...ROWS.map((r) => set(`from${r}`, get(`row${r}`))),
    ...ROWS.flatMap((r) => HALVES.map((h) => set(`sum${r}${h}`, load("biases", VECTOR * h)))),
    set("weight", get("weights")),
    set("left", get("length")),
    repeat("left",
      ...TERMS.flatMap((term) => [
        ...HALVES.map((h) => set(`weights${h}`, load("weight", VECTOR * (2 * term + h)))),
        ...ROWS.flatMap((r) => [
          set("factor", loadToAllFour(`from${r}`, FLOAT * term)),
          ...HALVES.map((h) => set(`sum${r}${h}`,
            plus(get(`sum${r}${h}`), times(get("factor"), get(`weights${h}`))))),
        ]),
      ]),
      ...ROWS.map((r) => advance(`from${r}`, whole(FLOAT * TERMS.length))),
      advance("weight", shifted(whole(VECTOR), 3))), // 2 halves of 4 terms
    ...ROWS.flatMap((r) => [
      ...HALVES.map((h) => store(`to${r}`, VECTOR * h, larger(get(`sum${r}${h}`), get("floor")))),
      advance(`row${r}`, shifted(get("rowStep"), 2)),
      advance(`to${r}`, shifted(get("outStep"), 2)),
    ])),
  set("weights", get("weight")), // the next panel begins where this one ends
  advance("biases", whole(2 * VECTOR)),
  advance("out", whole(2 * VECTOR)))];

// ---- the module around it ----
// A number in parts of 7 bits, the lowest first; the highest bit says that more follow.
/** @type {(n: number) => Bytes} */
const unsigned = (n) => (n < 128 ? [n] : [n % 128 + 128, ...unsigned(Math.floor(n / 128))]);
const counted = (/** @type {Bytes[]} */ parts) => [...unsigned(parts.length), ...parts.flat()];
const sized = (/** @type {Bytes} */ bytes) => [...unsigned(bytes.length), ...bytes];
const text = (/** @type {string} */ word) => sized(Array.from(word, (letter) => letter.charCodeAt(0)));
const section = (/** @type {number} */ number, /** @type {Bytes[]} */ parts) => [number, ...sized(counted(parts))];

// Takes `environment.memory`, gives `multiply`, a function of PARAMETERS and LEAST.
export const PROGRAM = new Uint8Array([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, // "\0asm", version 1
  ...section(1, [[0x60, ...counted([...PARAMETERS.map(() => [I32]), [F32]]), ...counted([])]]), // its type
  ...section(2, [[...text("environment"), ...text("memory"), 2, 0, 1]]), // of one page or more
  ...section(3, [[0]]),
  ...section(7, [[...text("multiply"), 0, 0]]),
  ...section(10, [sized([...counted([[COUNTERS.length, I32], [VECTORS.length, V128]]), ...multiply, 0x0b])]),
]);
