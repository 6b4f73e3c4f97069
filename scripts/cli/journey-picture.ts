import { z } from 'zod'
import type { Colour } from './colour.ts'
import { type Drawn, drawGraph } from './graph-drawing.ts'
import type { Item } from './listing.ts'
import { detailOf, indentedSheet, titled } from './showing.ts'
import { type Column, type Sheet, tableOf } from './table.ts'
import { ageOf, lineOf } from './wording.ts'

const undoSchema = z.looseObject({ state: z.string(), attempt: z.number().default(0), error: z.unknown().optional() })
const stepSchema = z.looseObject({
  activity: z.string().optional(),
  after: z.array(z.string()).default([]),
  state: z.string(),
  attempt: z.number().default(0),
  error: z.unknown().optional(),
  dueAt: z.string().optional(),
  compensation: undoSchema.optional(),
})

/** A journey as the API tells of it; whatever else it says is kept. */
export const journeySchema = z.looseObject({
  id: z.string(),
  type: z.string(),
  version: z.number(),
  status: z.string(),
  activities: z.record(z.string(), stepSchema).default({}),
})
export type Journey = z.infer<typeof journeySchema>
type Step = z.infer<typeof stepSchema>

const MARKS: Readonly<Record<string, { readonly mark: string; readonly colour?: Colour }>> = {
  pending: { mark: '○' },
  running: { mark: '●', colour: 'yellow' },
  retrying: { mark: '↻', colour: 'yellow' },
  done: { mark: '✔', colour: 'green' },
  skipped: { mark: '–' },
  failed: { mark: '✖', colour: 'red' },
  abandoned: { mark: '?', colour: 'red' },
}
/** What becomes of a step that is taken back goes before what it was. */
const UNDO_MARKS: Readonly<Record<string, { readonly mark: string; readonly colour?: Colour; readonly note: string }>> =
  {
    pending: { mark: '✔', colour: 'green', note: '(to undo)' },
    running: { mark: '↶', colour: 'yellow', note: '(undoing)' },
    retrying: { mark: '↶', colour: 'yellow', note: '(undoing)' },
    done: { mark: '↶', colour: 'yellow', note: '(undone)' },
    skipped: { mark: '↶', colour: 'yellow', note: '(undo skipped)' },
    failed: { mark: '✖', colour: 'red', note: '(undo failed)' },
  }

/** A journey in full: what it is, its steps as a graph and as a table, what a person has to decide, and what has happened. */
export function journeyText(journey: Item & Pick<Journey, 'activities'>, sheet: Sheet, nowMs: number): string {
  const { activities, remediation, held, history, timers, frozenTimers, ...head } = journey
  const lists = Object.entries({ held, history, timers, frozenTimers }).filter(([, list]) => isFilled(list))
  return [
    detailOf(head, sheet),
    ...(Object.keys(activities).length > 0
      ? [titled('steps', stepsText(activities, indentedSheet(sheet), nowMs), sheet)]
      : []),
    ...(isItem(remediation) ? [titled('remediation', detailOf(remediation, indentedSheet(sheet)), sheet)] : []),
    ...lists.map(([name, list]) => detailOf({ [name]: list }, sheet).trimStart()),
  ].join('\n\n')
}

const isFilled = (list: unknown) => Array.isArray(list) && list.length > 0
const isItem = (value: unknown): value is Item => typeof value === 'object' && value !== null

function stepsText(activities: Journey['activities'], sheet: Sheet, nowMs: number): string {
  const steps = Object.entries(activities)
  const graph = drawGraph(
    steps.map(([name, step]) => drawnOf(name, step)),
    sheet,
  )
  return `${graph}\n\n${tableOf(columns(nowMs), steps, sheet)}`
}

function drawnOf(name: string, { after, state, attempt, compensation }: Step): Drawn {
  const known = (compensation && UNDO_MARKS[compensation.state]) ?? MARKS[state] ?? { mark: '·' }
  const notes = [...(attempt > 1 ? [`×${attempt}`] : []), ...('note' in known ? [known.note] : [])]
  return { ...known, name, after, note: notes.length === 0 ? undefined : notes.join(' ') }
}

type Row = readonly [name: string, step: Step]
const columns = (nowMs: number): readonly Column<Row>[] => [
  { head: 'STEP', of: ([name]) => name },
  { head: 'ACTIVITY', of: ([, { activity }]) => activity, isMinor: true },
  { head: 'STATE', of: ([, { state }]) => state, isWhole: true, isStatus: true },
  { head: 'ATTEMPTS', of: ([, { attempt }]) => attempt, isNumber: true },
  { head: 'DUE IN', of: ([, { dueAt }]) => dueIn(dueAt, nowMs), isNumber: true, isMinor: true },
  { head: 'AFTER', of: ([, { after }]) => after.join(', '), isMinor: true },
  { head: 'UNDO', of: ([, { compensation }]) => compensation?.state, isStatus: true },
  { head: 'ERROR', of: ([, { error, compensation }]) => compensation?.error ?? error },
]

const dueIn = (dueAt: string | undefined, nowMs: number) =>
  dueAt === undefined ? undefined : ageOf(new Date(2 * nowMs - Date.parse(dueAt)).toISOString(), nowMs)

/** Its type and version, as people say it. */
export const typeText = ({ type, version }: Pick<Journey, 'type' | 'version'>) =>
  version === 0 ? lineOf(type) : `${lineOf(type)} v${version}`
