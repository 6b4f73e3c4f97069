/**
 * What a run has learnt from answers: ids, cursors, types. A generated request only says that it wants one (`$known:flows:3`), so that it
 * shrinks and prints as any other text, and gets the real one when it is sent: only with ids that exist does an act reach deep code.
 */
export class Known {
  readonly #families = new Map<string, string[]>()

  /** Notes every text in an answer under the name of its member, and ids also under the family of the route that told them. */
  learn(family: string, answer: unknown, name = ''): void {
    if (typeof answer === 'string') {
      if (name === 'id' || name === 'sagaId') this.#add(family, answer)
      if (name !== '') this.#add(ALIASES[name] ?? name, answer)
    } else if (Array.isArray(answer)) for (const item of answer) this.learn(family, item, name)
    else if (typeof answer === 'object' && answer !== null)
      for (const [key, value] of Object.entries(answer)) this.learn(family, value, key)
  }

  /** The text with what was asked for in it. Of what is not known yet, the wish stays: an id that nobody has. */
  filled(text: string): string {
    return text.replace(WISH, (wish, family: string, n: string) => {
      const found = this.#families.get(family) ?? []
      return found[Number(n) % found.length] ?? wish
    })
  }

  /** The same within any value. */
  filledIn(value: unknown): unknown {
    if (typeof value === 'string') return this.filled(value)
    if (Array.isArray(value)) return value.map((item) => this.filledIn(item))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.filledIn(item)]))
  }

  #add(family: string, text: string): void {
    if (text.length > TEXT_CHARS_MAX || text === '') return
    const known = this.#families.get(family) ?? []
    if (known.includes(text)) return
    known.push(text)
    if (known.length > PER_FAMILY_MAX) known.shift()
    this.#families.set(family, known)
  }
}

/** What an answer calls otherwise than the request that needs it. */
const ALIASES: Readonly<Record<string, string | undefined>> = { next: 'cursor', flowId: 'flows', objectId: 'objects' }

/** The latest are the ones that something can still be done with. */
const PER_FAMILY_MAX = 24
const TEXT_CHARS_MAX = 512
const WISH = /\$known:([\w-]+):(\d+)/g

/** The wish for something of this family. */
export const wishFor = (family: string, n: number): string => `$known:${family}:${n}`
