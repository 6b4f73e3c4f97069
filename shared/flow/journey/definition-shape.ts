import type { z } from 'zod'
import { sizeOf, VALUE_DEPTH_MAX } from '../value-size.ts'
import {
  DOCUMENT_BYTES_MAX,
  definitionDocument,
  type Entry,
  entryParts,
  type Head,
  headParts,
  STEPS_MAX,
} from './definition-document.ts'
import type { Findings } from './definition-findings.ts'

/** A document as far as it can be read: where a field is not as it must be, it is left out, so that the rest can be checked, too. */
export type Shape = {
  readonly head: Head
  readonly entries: ReadonlyMap<string, Entry>
}

type Fields = Readonly<Record<string, unknown>>
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Undefined when it is no use to look at the rest. */
export function readShape(document: unknown, findings: Findings): Shape | undefined {
  if (!isFields(document)) {
    findings.fault('', 'expected a JSON object with type, version, deadline and activities')
    return undefined
  }
  const tooMuch = findTooMuch(document)
  if (tooMuch) {
    findings.fault(...tooMuch)
    return undefined
  }
  for (const issue of definitionDocument.safeParse(document).error?.issues ?? []) tell(issue, [], document, findings)
  const activities = isFields(document.activities) ? document.activities : {}
  // A schema does not see it, and an object that it is put into takes it for something else.
  if (Object.hasOwn(activities, '__proto__')) findings.fault('activities.__proto__', 'choose another name')
  const entries = Object.entries(activities).filter(([name]) => name !== '__proto__')
  return {
    head: salvaged(headParts, document) ?? {},
    entries: new Map(
      entries.map(([name, entry]) => [name, (isFields(entry) ? salvaged(entryParts, entry) : undefined) ?? {}]),
    ),
  }
}

/** Counted before anything looks at each of them. */
function findTooMuch(document: Fields): [at: string, text: string] | undefined {
  const { activities } = document
  const steps = isFields(activities) ? Object.keys(activities).length : 1
  if (steps === 0) return ['activities', 'there are none; a journey has at least one']
  if (steps > STEPS_MAX)
    return ['activities', `there are ${steps}, at most ${STEPS_MAX} are taken; split it into several journeys`]
  const { bytes, depth } = sizeOf(document)
  if (bytes > DOCUMENT_BYTES_MAX)
    return [
      '',
      `it has ${bytes} bytes as JSON, at most ${DOCUMENT_BYTES_MAX} are taken; split it into several journeys`,
    ]
  return depth > VALUE_DEPTH_MAX
    ? ['', `it is nested ${depth} levels deep, at most ${VALUE_DEPTH_MAX} are taken`]
    : undefined
}

/** The fields of an object that are as the schema wants them. */
function salvaged<T>(parts: z.ZodType<T>, given: Fields): T | undefined {
  const bad = new Set(
    parts
      .safeParse(given)
      .error?.issues.flatMap((issue) =>
        issue.code === 'unrecognized_keys' ? issue.keys : issue.path.slice(0, 1).map(String),
      ),
  )
  return parts.safeParse(Object.fromEntries(Object.entries(given).filter(([field]) => !bad.has(field)))).data
}

type Issue = z.core.$ZodIssue
type Path = readonly PropertyKey[]

function tell(issue: Issue, before: Path, document: unknown, findings: Findings): void {
  const path = [...before, ...issue.path]
  const at = path.map(String).join('.')
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) findings.fault([...path, key].map(String).join('.'), 'there is no such field')
    return
  }
  if (issue.code === 'invalid_key') {
    findings.fault(at, issue.issues.map(({ message }) => message).join('; '))
    return
  }
  const meant = issue.code === 'invalid_union' ? findMeant(issue.errors) : undefined
  if (meant) for (const inner of meant) tell(inner, path, document, findings)
  else findings.fault(at, isMissing(document, path) ? 'it is missing' : issue.message)
}

/** Of several forms, the one that has the right type, and only something else about it is wrong. */
const findMeant = (forms: readonly (readonly Issue[])[]) =>
  forms.find((issues) => !issues.some(({ code, path }) => code === 'invalid_type' && path.length === 0))

function isMissing(document: unknown, path: Path): boolean {
  let value: unknown = document
  for (const name of path) value = isFields(value) ? value[String(name)] : undefined
  return value === undefined && path.every((name) => typeof name !== 'number')
}
