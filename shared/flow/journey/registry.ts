import type { Logger } from 'pino'
import type { DefinitionReader, DefinitionRow, DefinitionTransaction } from '../../store/definitions.ts'
import type { Definition, Definitions } from './definition.ts'
import { readDefinition } from './definition-check.ts'

/** Registrations that are read at once. */
const SLICE = 100

/** A stored version, or why it cannot be used. */
type Known =
  | { readonly text: string; readonly definition: Definition }
  | { readonly text: string; readonly fault: string }

/**
 * The definitions that were registered, compiled once and kept in memory: decisions ask for them and may not wait. Each process that
 * decides has its own, and reads what others registered before it decides (`sync`).
 */
export class DefinitionRegistry implements Definitions {
  readonly #log: Pick<Logger, 'error'> | undefined
  readonly #versions = new Map<string, Map<number, Known>>()
  readonly #latest = new Map<string, number>()
  readonly #activities = new Set<string>()
  /** All registrations up to this one are here. */
  #seq = 0

  /** What cannot be read is logged. */
  constructor(log?: Pick<Logger, 'error'>) {
    this.#log = log
  }

  /**
   * Reads the registrations behind those it knows: one cheap statement when there are none. At the start of a transaction, or behind one.
   * What the transaction, or another that is committed together with it, has only written may still come to nothing: it is taken when it
   * is there for others, too.
   */
  async sync(
    { definitions }: { readonly definitions: Pick<DefinitionTransaction, 'since'> },
    durable: Pick<DefinitionReader, 'find'>,
  ): Promise<void> {
    for (;;) {
      const rows = await definitions.since(this.#seq, SLICE)
      for (const row of rows) {
        const there = await durable.find(row.type, row.version)
        if (there?.document !== row.document) return
        this.add(row)
        this.#seq = row.seq
      }
      if (rows.length < SLICE) return
    }
  }

  /**
   * Takes one version. One that is stored but can no longer be read is logged and kept as such: nothing of it runs, and `findFault` says
   * why. Others may have been registered before it, so that `sync` reads it again.
   */
  add({ type, version, document }: Pick<DefinitionRow, 'type' | 'version' | 'document'>): void {
    const versions = this.#versions.get(type) ?? new Map<number, Known>()
    this.#versions.set(type, versions)
    if (versions.get(version)?.text === document) return
    const known = read(document)
    versions.set(version, known)
    this.#latest.set(type, Math.max(version, this.#latest.get(type) ?? version))
    if ('fault' in known)
      this.#log?.error(
        { journeyType: type, version, fault: known.fault },
        'a stored definition cannot be read: its journeys wait',
      )
    else for (const activity of activitiesOf(known.definition)) this.#activities.add(activity)
  }

  /** Undefined, too, when the newest cannot be read: what is meant to run as that version must not run as an older one. */
  latest(type: string): Definition | undefined {
    const version = this.#latest.get(type)
    return version === undefined ? undefined : this.find(type, version)
  }

  find(type: string, version: number): Definition | undefined {
    const known = this.#versions.get(type)?.get(version)
    return known && 'definition' in known ? known.definition : undefined
  }

  /** Why a version that is stored cannot be used; undefined when it can, or when there is none. */
  findFault(type: string, version: number): string | undefined {
    const known = this.#versions.get(type)?.get(version)
    return known && 'fault' in known ? known.fault : undefined
  }

  /** Those that can be used, by type, oldest version first. */
  all(): readonly Definition[] {
    return [...this.#versions.values()].flatMap((versions) =>
      [...versions]
        .toSorted(([a], [b]) => a - b)
        .flatMap(([, known]) => ('definition' in known ? [known.definition] : [])),
    )
  }

  /** The names that any definition asks for. */
  activities(): ReadonlySet<string> {
    return this.#activities
  }
}

/** The activities that a definition asks for, those of compensations among them. */
export const activitiesOf = ({ steps }: Pick<Definition, 'steps'>): readonly string[] => [
  ...new Set(steps.flatMap(({ activity, compensate }) => (compensate ? [activity, compensate.activity] : [activity]))),
]

function read(text: string): Known {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (error) {
    return { text, fault: `the document is no JSON: ${error instanceof Error ? error.message : String(error)}` }
  }
  const found = readDefinition(document)
  return found.ok ? { text, definition: found.definition } : { text, fault: found.faults.join('; ') }
}
