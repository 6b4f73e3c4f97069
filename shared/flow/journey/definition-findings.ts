/** An expression that reads the output of a step. */
export type OutputRead = {
  readonly at: string
  /** Whose expression it is; missing: that of the journey's end. */
  readonly step?: string
  readonly isUndo?: boolean
  /** The step whose output it reads. */
  readonly field: string
  readonly position: number
  /** The expression asks whether it is there. */
  readonly isAsked: boolean
}

/** What is found in a document, all of it at once. */
export class Findings {
  /** What is to be checked once all steps are known. */
  readonly reads: OutputRead[] = []
  /** Instructions of the patterns that its expressions match text with, so far. */
  patternsSize = 0
  readonly #faults = new Set<string>()
  readonly #warnings = new Set<string>()

  /** The document cannot be registered. `at` is the place, with dots. */
  fault(at: string, text: string): void {
    this.#faults.add(at === '' ? text : `${at}: ${text}`)
  }

  /** It can, but will hardly do what is wanted. */
  warn(at: string, text: string): void {
    this.#warnings.add(at === '' ? text : `${at}: ${text}`)
  }

  get faults(): readonly string[] {
    return shortened([...this.#faults])
  }

  get warnings(): readonly string[] {
    return shortened([...this.#warnings])
  }
}

/** More say nothing new, and an answer must end somewhere. */
const SHOWN_MAX = 100

const shortened = (lines: readonly string[]) =>
  lines.length > SHOWN_MAX ? [...lines.slice(0, SHOWN_MAX), `... and ${lines.length - SHOWN_MAX} more`] : lines
