import type { Step } from './definition.ts'
import type { Findings, OutputRead } from './definition-findings.ts'
import { ancestorsIn, type Graph, longestPath } from './definition-graph.ts'
import type { Roles } from './definition-steps.ts'
import { durationText } from './durations.ts'
import { longestMs } from './patience.ts'

/** What shows only once all steps are known: expressions that read what is not there, times that do not fit, steps that never run. */

export type ReadsOptions = {
  readonly order: readonly string[]
  readonly graph: Graph
  readonly roles: Roles
  readonly findings: Findings
}

/** Whether the steps whose outputs are read are there, and are sure to be settled by then. */
export function checkReads({ order, graph, roles, findings }: ReadsOptions): void {
  const ancestors = ancestorsIn(order, graph)
  for (const read of findings.reads) {
    const { at, field, position } = read
    const undone = roles.compensates.get(field)
    const place = `character ${position + 1}: outputs.${field}:`
    if (undone !== undefined)
      findings.fault(at, `${place} \`${field}\` only takes back \`${undone}\`, and has no output`)
    else if (!graph.has(field)) findings.fault(at, `${place} there is no step \`${field}\``)
    else if (!read.isAsked && !isSettled(read, ancestors))
      findings.warn(
        at,
        `${place} \`${field}\` may not have run by then; put it into \`after\`, or ask has(outputs.${field})`,
      )
  }
}

function isSettled({ step, field, isUndo }: OutputRead, ancestors: ReadonlyMap<string, ReadonlySet<string>>): boolean {
  if (step === undefined || (isUndo && field === step)) return true
  // Steps on a cycle have none; that they are on one is said.
  return ancestors.get(step)?.has(field) ?? true
}

export type WarningsOptions = {
  readonly order: readonly string[]
  readonly graph: Graph
  readonly steps: readonly Step[]
  readonly deadlineMs: number | undefined
  readonly findings: Findings
}

/** What is legal but will hardly do what is wanted. */
export function warnOf({ order, graph, steps, deadlineMs, findings }: WarningsOptions): void {
  const byName = new Map(steps.map((step) => [step.name, step]))
  warnOfTimes({ order, graph, byName, deadlineMs, findings })
  const idle = new Set<string>()
  for (const name of order) {
    const after = graph.get(name) ?? []
    const at = `activities.${name}`
    const when = byName.get(name)?.when?.text.trim()
    if (when === 'false') findings.warn(`${at}.when`, 'it is always false: the step never runs')
    else if (after.length > 0 && after.every((before) => idle.has(before)))
      findings.warn(
        at,
        `it never runs, because ${after.map((before) => `\`${before}\``).join(', ')} never ${after.length === 1 ? 'does' : 'do'}`,
      )
    else continue
    idle.add(name)
  }
}

type Times = Omit<WarningsOptions, 'steps'> & { readonly byName: ReadonlyMap<string, Step> }

/** Timeouts that were cut below this hardly leave time for an answer. */
const TIMEOUT_MS_LOW = 100
/** Steps of a path that are named. */
const PATH_SHOWN_MAX = 10

function warnOfTimes({ order, graph, byName, deadlineMs, findings }: Times): void {
  if (deadlineMs === undefined) return
  for (const [name, { timeoutMs }] of byName)
    if (timeoutMs < TIMEOUT_MS_LOW)
      findings.warn(`activities.${name}.timeout`, `${durationText(timeoutMs)} leave hardly time for an answer`)
  const { path, ms } = longestPath(order, graph, (name) => {
    const step = byName.get(name)
    return step ? longestMs(step) : 0
  })
  // One step alone is cut to fit, or refused.
  if (ms <= deadlineMs || path.length < 2) return
  const shown = path.length > PATH_SHOWN_MAX ? [...path.slice(0, PATH_SHOWN_MAX), '...'] : path
  findings.warn(
    'deadline',
    `with all attempts and the pauses between them, ${shown.join(' -> ')} may take ${durationText(ms)}, longer than the deadline of ${durationText(deadlineMs)}`,
  )
}
