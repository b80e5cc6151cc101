// Random numbers that follow a seed.
// @ts-check

// Numbers in [0, 1): the generator sfc32 (C. Doty-Humphrey).
export class Random {
  /** @param {number} seed */
  constructor(seed) {
    this.a = 0; this.b = seed >>> 0; this.c = Math.floor(seed / 2 ** 32) >>> 0; this.count = 1;
    for (let i = 0; i < 16; i++) this.next(); // so that seeds 0 and 1 have nothing in common
  }
  next() {
    const sum = (this.a + this.b + this.count) | 0;
    this.count = (this.count + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  }
}
