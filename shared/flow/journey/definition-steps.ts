import { CelError } from '../../cel/cel-error.ts'
import type { JsonExpression } from '../../cel/expression.ts'
import { fieldsRead } from '../../cel/syntax-tree.ts'
import type { Asked, Step } from './definition.ts'
import type { Entry } from './definition-document.ts'
import type { Findings } from './definition-findings.ts'
import { compileCondition, compileValue, undoLanguage } from './definition-language.ts'
import { type Patience, patienceOf, RETRY_DEFAULT, TIMEOUT_MS_DEFAULT } from './definition-patience.ts'
import type { Shape } from './definition-shape.ts'

/** Which entries of a document run, and which only take others back: those by the step that they take back (the first, of several). */
export type Roles = { readonly compensates: ReadonlyMap<string, string> }

/** Finds out which entries only compensate, and tells what these must not have. */
export function rolesOf(entries: Shape['entries'], findings: Findings): Roles {
  const compensates = new Map<string, string>()
  for (const [name, { compensate }] of entries) {
    if (typeof compensate !== 'string') continue
    const at = `activities.${name}.compensate`
    if (compensate === name) findings.fault(at, 'a step cannot take itself back')
    else if (!entries.has(compensate)) findings.fault(at, `there is no activity \`${compensate}\``)
    else if (!compensates.has(compensate)) compensates.set(compensate, name)
  }
  for (const [name, undone] of compensates)
    for (const field of ['after', 'when', 'compensate'] as const)
      if (entries.get(name)?.[field] !== undefined)
        findings.fault(`activities.${name}.${field}`, `not here: \`${name}\` only takes back \`${undone}\``)
  return { compensates }
}

export type StepOptions = {
  readonly name: string
  readonly after: readonly string[]
  readonly entries: Shape['entries']
  readonly deadlineMs: number | undefined
  readonly findings: Findings
}

/** An entry as a step. What of it is at fault is told, and left out. */
export function stepOf({ name, after, entries, deadlineMs, findings }: StepOptions): Step {
  const entry = entries.get(name) ?? {}
  const at = `activities.${name}`
  const { activity = name, input, when } = entry
  return {
    name,
    after,
    activity,
    input: compileAt({ at: `${at}.input`, step: name, findings }, input, (text) => compileValue(text, 'input')),
    when: compileAt({ at: `${at}.when`, step: name, findings }, when, compileCondition),
    ...patienceWith(findings, at, patienceOf(entry, deadlineMs)),
    compensate: compensationOf(name, entries, findings),
  }
}

function compensationOf(name: string, entries: Shape['entries'], findings: Findings): Asked | undefined {
  const compensate = entries.get(name)?.compensate
  if (compensate === undefined) return undefined
  const [at, asked]: [string, Pick<Entry, 'activity' | 'input' | 'timeout' | 'retry'>] =
    typeof compensate === 'string'
      ? [`activities.${compensate}`, entries.get(compensate) ?? {}]
      : [`activities.${name}.compensate`, compensate]
  return {
    activity: asked.activity ?? name,
    input: compileAt({ at: `${at}.input`, step: name, isUndo: true, findings }, asked.input, (text) =>
      compileValue(text, 'input', undoLanguage),
    ),
    // No deadline runs while a journey is taken back.
    ...patienceWith(findings, at, patienceOf(asked)),
  }
}

const patienceDefault: Patience = { timeoutMs: TIMEOUT_MS_DEFAULT, retry: RETRY_DEFAULT }

function patienceWith(findings: Findings, at: string, found: ReturnType<typeof patienceOf>): Patience {
  if (!('fault' in found)) return found
  findings.fault(at, found.fault)
  return patienceDefault
}

/** Where an expression stands. */
export type Stands = {
  readonly at: string
  /** Of which step it is; missing: of the journey's end. */
  readonly step?: string
  /** It is about taking that step back. */
  readonly isUndo?: boolean
  readonly findings: Findings
}

/** Of all patterns of a document's expressions: 100 ms, in which the hub does nothing else. */
const PATTERNS_SIZE_MAX = 20_000

/** Compiles an expression, if there is one. What is wrong with it is told with its place, and what it reads is noted. */
export function compileAt(
  { findings, ...stands }: Stands,
  text: string | undefined,
  compile: (text: string) => JsonExpression,
): JsonExpression | undefined {
  // Behind what is too much, nothing is looked at.
  if (text === undefined || findings.patternsSize > PATTERNS_SIZE_MAX) return undefined
  try {
    const expression = compile(text)
    findings.patternsSize += expression.patternsSize
    if (findings.patternsSize > PATTERNS_SIZE_MAX)
      findings.fault(
        stands.at,
        `with those before it, its patterns compile to ${findings.patternsSize} instructions, at most ${PATTERNS_SIZE_MAX} are taken in all; what stands behind it was not looked at`,
      )
    findings.reads.push(...fieldsRead(expression.ast, 'outputs').map((read) => ({ ...stands, ...read })))
    return expression
  } catch (error) {
    if (!(error instanceof CelError)) throw error
    findings.fault(stands.at, `character ${error.position + 1}: ${error.reason}`)
    return undefined
  }
}
