import { createHash } from 'node:crypto'

const CHUNK_CHARS = 65_536

/** What has happened, in order: its digest tells whether two runs were the same, and its lines are for whoever has to understand one. */
export class Trace {
  readonly lines: string[] = []
  readonly #hash = createHash('sha256')
  readonly isKept: boolean
  readonly #nowMs: () => number
  #chunk = ''

  constructor(nowMs: () => number, isKept: boolean) {
    this.#nowMs = nowMs
    this.isKept = isKept
  }

  note(what: string, about: string): void {
    const line = `${this.#nowMs()} ${what} ${about}\n`
    this.#chunk += line
    if (this.#chunk.length > CHUNK_CHARS) this.#flush()
    if (this.isKept) this.lines.push(line.trimEnd())
  }

  /** For people only: what the digest is not made of. */
  remark(text: string): void {
    if (this.isKept) this.lines.push(text)
  }

  get digest(): string {
    this.#flush()
    return this.#hash.copy().digest('hex').slice(0, 16)
  }

  #flush(): void {
    this.#hash.update(this.#chunk)
    this.#chunk = ''
  }
}
