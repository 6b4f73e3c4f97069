import { z } from 'zod'
import { paintStatus } from '../cli/colour.ts'
import { exitCodes } from '../cli/exit-code.ts'
import { pathOf, titled } from '../cli/showing.ts'
import { type Sheet, tableOf } from '../cli/table.ts'
import { type Verb, verb } from '../cli/verb.ts'
import { counted, lineOf, spanOf } from '../cli/wording.ts'

const whySchema = z.looseObject({
  id: z.string(),
  kind: z.string(),
  state: z.string(),
  summary: z.string(),
  where: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  waitsFor: z.looseObject({ what: z.string(), until: z.string().optional() }).optional(),
  next: z.looseObject({ what: z.string(), at: z.string().optional() }).optional(),
  commands: z.array(z.looseObject({ command: z.string(), does: z.string() })),
  trace: z.string().optional(),
  timeline: z.array(
    z.looseObject({ at: z.string(), what: z.string(), by: z.string().optional(), detail: z.string().optional() }),
  ),
  timelineLeftOut: z.number().optional(),
  related: z.array(z.looseObject({ kind: z.string(), id: z.string(), state: z.string(), why: z.string().optional() })),
  relatedLeftOut: z.number().optional(),
  missing: z.array(z.string()),
})
type Why = z.infer<typeof whySchema>

const example = '0190c5a0-7d3e-7000-8000-000000000001'

export const verbs: readonly Verb[] = [
  verb({
    operand: '<id>',
    says: 'Why something is where it is: what happened, what it waits for, what comes next, and what would move it. Exits with 3 when nobody knows the id.',
    examples: [`ebs why ${example}`, `ebs why ${example}.3`, `ebs why order-7 --watch`, `ebs why acme-down -o json`],
    options: {},
    isWatchable: true,
    async run(cli, _given, [id = '']) {
      const why = await cli.api('hub').get(pathOf('/api/why', id), whySchema)
      cli.answer(why, (sheet) => whyText(why, sheet, cli.now()))
      return why.kind === 'unknown' ? exitCodes.notFound : undefined
    },
  }),
]

/** One answer for a person: what it is and why, what happened when, and what would move it. */
export function whyText(why: Why, sheet: Sheet, nowMs: number): string {
  const { kind, id, state, summary, missing } = why
  return [
    `${sheet.paint('bold', `${lineOf(kind)} ${lineOf(id)}`)}  ${paintStatus(sheet.paint, lineOf(state))}\n${lineOf(summary)}`,
    nowText(why, sheet, nowMs),
    timelineText(why, sheet, nowMs),
    relatedText(why, sheet),
    why.commands.length > 0
      ? titled(
          'what would move it',
          why.commands.map(({ command, does }) => `${lineOf(command)}\n  ${lineOf(does)}`).join('\n'),
          sheet,
        )
      : '',
    missing.length > 0 ? titled('missing', missing.map(lineOf).join('\n'), sheet) : '',
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}

/** Where it is, what it waits for and what comes by itself: as far as there is something. */
function nowText({ where = {}, waitsFor, next, trace }: Why, { paint }: Sheet, nowMs: number): string {
  const places = Object.entries(where).map(([name, value]) => `${name} ${lineOf(value)}`)
  const rows = [
    ['where', places.join(', ')],
    ['waits for', waitsFor && lineOf(waitsFor.what) + timeText('until', waitsFor.until, nowMs)],
    ['next', next && lineOf(next.what) + timeText('at', next.at, nowMs)],
    ['trace', trace && lineOf(trace)],
  ].flatMap(([name, text]) => (name && text ? [`${paint('bold', name.padEnd(9))}  ${text}`] : []))
  return rows.join('\n')
}

const timeText = (word: string, at: string | undefined, nowMs: number) =>
  at === undefined ? '' : `, ${word} ${lineOf(at)} (${relative(at, nowMs)})`

/** `in 5s`, `5s ago`. */
function relative(at: string, nowMs: number): string {
  const ms = Date.parse(at) - nowMs
  if (Number.isNaN(ms)) return '-'
  return ms > 0 ? `in ${spanOf(ms)}` : `${spanOf(-ms)} ago`
}

function timelineText({ timeline, timelineLeftOut = 0 }: Why, sheet: Sheet, nowMs: number): string {
  if (timeline.length === 0) return ''
  const table = tableOf(
    [
      { head: 'AT', of: ({ at }) => at, isWhole: true },
      { head: 'AGO', of: ({ at }) => relative(at, nowMs), isNumber: true, isWhole: true },
      { head: 'WHAT', of: ({ what }) => what },
      { head: 'BY', of: ({ by }) => by, isMinor: true },
      { head: 'DETAIL', of: ({ detail }) => detail },
    ],
    timeline,
    sheet,
  )
  return titled(
    `timeline${timelineLeftOut > 0 ? ` (${counted(timelineLeftOut, 'older line')} left out)` : ''}`,
    table,
    sheet,
  )
}

function relatedText({ related, relatedLeftOut = 0 }: Why, sheet: Sheet): string {
  if (related.length === 0) return ''
  const table = tableOf(
    [
      { head: 'KIND', of: ({ kind }) => kind, isWhole: true },
      { head: 'ID', of: ({ id }) => id, isWhole: true },
      { head: 'STATE', of: ({ state }) => state, isWhole: true, isStatus: true },
      { head: 'WHY', of: ({ why }) => why },
    ],
    related,
    sheet,
  )
  return titled(`related${relatedLeftOut > 0 ? ` (${relatedLeftOut} more left out)` : ''}`, table, sheet)
}
