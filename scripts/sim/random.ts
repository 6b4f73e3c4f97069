/** 2^32: what the generator's whole numbers are divided by. */
const WORDS = 0x1_0000_0000

/**
 * Chance that comes again: the same seed and name give the same numbers on every machine. Streams of different names know nothing of each
 * other, so that one more fault changes no object. Source: sfc32 of PractRand, seeded by FNV-1a.
 */
export class Random {
  readonly #words: [number, number, number, number]

  constructor(seed: number, name: string) {
    this.#words = [hashOf(`${seed} ${name} a`), hashOf(`${seed} ${name} b`), hashOf(`${seed} ${name} c`), 1]
    for (let n = 0; n < 12; n++) this.next()
  }

  /** From 0 up to, but not, 1. */
  next(): number {
    const [a, b, c, d] = this.#words
    const sum = (((a + b) | 0) + d) | 0
    this.#words[0] = b ^ (b >>> 9)
    this.#words[1] = (c + (c << 3)) | 0
    this.#words[2] = (((c << 21) | (c >>> 11)) + sum) | 0
    this.#words[3] = (d + 1) | 0
    return (sum >>> 0) / WORDS
  }

  /** A whole number, both ends included. */
  int(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1))
  }

  chance(share: number): boolean {
    return this.next() < share
  }

  /** Throws on an empty list. */
  pick<T>(list: readonly T[]): T {
    for (const found of list.slice(this.int(0, list.length - 1))) return found
    throw new RangeError('There is nothing to pick from.')
  }

  /** So many things, each made by itself. */
  times<T>(min: number, max: number, make: (n: number) => T): T[] {
    return Array.from({ length: this.int(min, max) }, (_, n) => make(n))
  }

  bytes(count: number): Buffer {
    return Buffer.from(Array.from({ length: count }, () => this.int(0, 255)))
  }
}

function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash | 0
}
