import type { Json } from '../../events.ts'
import type { Definition, Step } from './definition.ts'
import { Findings } from './definition-findings.ts'
import { type Graph, orderOf } from './definition-graph.ts'
import { compileValue } from './definition-language.ts'
import { readShape, type Shape } from './definition-shape.ts'
import { compileAt, type Roles, rolesOf, stepOf } from './definition-steps.ts'
import { checkReads, warnOf } from './definition-warnings.ts'
import { findDurationMs } from './durations.ts'
import { compilePayloadSchema, type FindFaults } from './payload-schema.ts'

/** A definition, ready for use, or everything that is wrong with its document. */
export type ReadDefinition =
  | { readonly ok: true; readonly definition: Definition; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly faults: readonly string[] }

/**
 * Reads and checks a document (rule J1): its shape, what its names refer to, cycles, expressions, times. Warnings tell what is legal but
 * will hardly do what is wanted. The document must be JSON. Never throws: whatever is stored or lies in a folder, other types go on.
 */
export function readDefinition(document: unknown): ReadDefinition {
  try {
    return readDocument(document)
  } catch (error) {
    // Nested so deeply, as a rule, that the stack ends before anything is measured.
    return {
      ok: false,
      faults: [
        `it cannot be read; is it nested too deeply? (${error instanceof Error ? error.message : String(error)})`,
      ],
    }
  }
}

function readDocument(document: unknown): ReadDefinition {
  const findings = new Findings()
  const shape = readShape(document, findings)
  const definition = shape && checked(shape, findings)
  const { faults } = findings
  if (!definition || faults.length > 0) return { ok: false, faults }
  return { ok: true, definition: { ...definition, document: plain(document) }, warnings: findings.warnings }
}

/** As it comes back out of the store. */
const plain = (document: unknown): Json => JSON.parse(JSON.stringify(document))

function checked(shape: Shape, findings: Findings): Omit<Definition, 'document'> | undefined {
  const { type, version, deadline, onFailure = 'remediate' } = shape.head
  const roles = rolesOf(shape.entries, findings)
  const graph = graphOf(shape, roles, findings)
  const { order, cycles } = orderOf(graph)
  for (const cycle of cycles)
    findings.fault('activities', `they wait for each other in a circle: ${cycle.join(' -> ')}`)
  const deadlineMs = deadline === undefined ? undefined : findDurationMs(deadline)
  const steps = [...graph].map(([name, after]) => stepOf({ name, after, entries: shape.entries, deadlineMs, findings }))
  const findPayloadFaults = payloadFaultsOf(shape, findings)
  const output = compileAt({ at: 'output', findings }, shape.head.output, (text) => compileValue(text, 'output'))
  checkReads({ order, graph, roles, findings })
  warnOf({ order, graph, steps, deadlineMs, findings })
  // Without them there are faults.
  if (type === undefined || version === undefined || deadlineMs === undefined) return undefined
  return { type, version, deadlineMs, onFailure, steps: inOrder(steps, order), output, findPayloadFaults }
}

function inOrder(steps: readonly Step[], order: readonly string[]): readonly Step[] {
  const byName = new Map(steps.map((step) => [step.name, step]))
  return order.flatMap((name) => byName.get(name) ?? [])
}

/** The steps of the forward graph, each with those that it waits for, as far as these are there. */
function graphOf({ entries }: Shape, roles: Roles, findings: Findings): Graph {
  const forward = [...entries].filter(([name]) => !roles.compensates.has(name))
  return new Map(forward.map(([name, { after = [] }]) => [name, knownOf(name, after, { entries, roles, findings })]))
}

type Known = { readonly entries: Shape['entries']; readonly roles: Roles; readonly findings: Findings }

function knownOf(name: string, after: readonly string[], { entries, roles, findings }: Known): readonly string[] {
  const at = `activities.${name}.after`
  const known = new Set<string>()
  for (const before of after) {
    const undone = roles.compensates.get(before)
    if (known.has(before)) findings.fault(at, `\`${before}\` stands there twice`)
    else if (before === name) findings.fault(at, 'a step cannot wait for itself')
    else if (!entries.has(before)) findings.fault(at, `there is no step \`${before}\``)
    else if (undone !== undefined)
      findings.fault(at, `\`${before}\` only takes back \`${undone}\`: nothing can wait for it`)
    else known.add(before)
  }
  return [...known]
}

function payloadFaultsOf({ head }: Shape, findings: Findings): FindFaults {
  if (head.payload === undefined) return () => []
  const compiled = compilePayloadSchema(head.payload)
  if ('findFaults' in compiled) return compiled.findFaults
  for (const fault of compiled.faults) findings.fault('payload', fault)
  return () => []
}
