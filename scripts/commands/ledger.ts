import { type Ledger, ledgerSchema } from '../../shared/ledger-view.ts'
import { subjectKinds } from '../../shared/subject.ts'
import { exitCodes } from '../cli/exit-code.ts'
import { asText, choice, flag, value } from '../cli/options.ts'
import { indentedSheet, titled } from '../cli/showing.ts'
import { type Column, type Sheet, tableOf } from '../cli/table.ts'
import { type Verb, verb } from '../cli/verb.ts'
import { ageOf, counted, lineOf } from '../cli/wording.ts'

/** Ids of a place that are shown; json has up to a hundred. */
const IDS_SHOWN_MAX = 10

type Account = Omit<Ledger['accounts'][number], 'tenant' | 'kind'>
type Wishes = { readonly tenant: string | undefined; readonly isByTenant: boolean; readonly queues: boolean }

/** The equation, line by line. */
const lines: readonly { readonly what: string; readonly field: keyof Account }[] = [
  { what: 'accepted', field: 'accepted' },
  { what: '= done', field: 'done' },
  { what: '+ failed', field: 'failed' },
  { what: '+ in flight', field: 'inFlight' },
  { what: '+ waiting', field: 'waiting' },
  { what: '+ parked', field: 'parked' },
  { what: '+ dead', field: 'dead' },
  { what: '+ discarded', field: 'discarded' },
]
const nothing: Account = { accepted: 0, done: 0, failed: 0, inFlight: 0, waiting: 0, parked: 0, dead: 0, discarded: 0 }

export const verbs: readonly Verb[] = [
  verb({
    says: 'What was accepted, and where it is now. Exits with 1 when something is nowhere to be found for longer than the settling time, or nobody has looked.',
    examples: [
      'ebs ledger',
      'ebs ledger --kind task --queues',
      'ebs ledger --tenant acme',
      'ebs ledger --watch',
      'ebs ledger -o json',
    ],
    options: {
      kind: choice('--kind <kind>', 'only entries of this kind, by tenant', subjectKinds),
      tenant: value('--tenant <name>', 'only entries of this tenant', asText),
      queues: flag('--queues', 'also each queue: what the broker counts beside what should be there'),
    },
    isWatchable: true,
    async run(cli, { kind, tenant, queues }) {
      const ledger = await cli.api('hub').get('/api/ledger', ledgerSchema, { kind, tenant })
      const wishes = { tenant, queues, isByTenant: kind !== undefined }
      cli.answer(ledger, (sheet) => drawn(ledger, wishes, sheet, cli.now()))
      return ledger.balanced ? exitCodes.ok : exitCodes.failed
    },
  }),
]

function drawn(ledger: Ledger, { tenant, isByTenant, queues }: Wishes, sheet: Sheet, nowMs: number): string {
  const { parked, discarded, accounts, unobserved } = ledger
  const part = <Row>(title: string, columns: readonly Column<Row>[], rows: readonly Row[]) =>
    rows.length === 0 ? [] : [titled(title, tableOf(columns, rows, indentedSheet(sheet)), sheet)]
  return [
    verdictOf(ledger, sheet, nowMs),
    ...ledger.imbalances.map((imbalance) => imbalanceOf(imbalance, sheet, nowMs)),
    ledger.uncounted === undefined ? equationOf(ledger, tenant, sheet) : `${lineOf(ledger.uncounted)}.`,
    ...part('by tenant', tenantColumns, isByTenant ? accounts : []),
    ...part('parked by rule', [...whose, { head: 'RULE', of: ({ rule }) => rule, isWhole: true }], parked),
    ...part('discarded by whom', [...whose, { head: 'BY', of: ({ by }) => by }], discarded),
    ...part('queues', queueColumns, queues ? ledger.queues : []),
    ...part(
      'not compared',
      [
        { head: 'PLACE', of: ({ place }) => place },
        { head: 'WHY', of: ({ why }) => why },
      ],
      unobserved,
    ),
  ].join('\n\n')
}

function verdictOf(ledger: Ledger, { paint }: Sheet, nowMs: number) {
  const { balanced, imbalance, since, comparedAt, overdue, totals, unobserved } = ledger
  const accepted = totals.reduce((sum, total) => sum + total.accepted, 0)
  const of = counted(accepted, 'accepted entry').replace(/entrys$/, 'entries')
  // Without a look, silence says nothing; what was missing when somebody looked is missing all the same.
  const lastLook = comparedAt === undefined ? 'yet' : `since ${comparedAt}, for ${ageOf(comparedAt, nowMs)}`
  if (overdue && imbalance === 0)
    return `${paint('yellow', 'NOT COMPARED')} ${lastLook}: ${of} were counted, and not looked for. After a start the first look takes the settling time, half a minute.`
  if (!balanced) {
    const age = since === undefined ? '' : ` for ${ageOf(since, nowMs)}`
    return `${paint('red', 'IMBALANCED')}: ${imbalance.toLocaleString('en')} of ${of} ${imbalance === 1 ? 'is' : 'are'} not where they should be${age}${overdue ? `; not compared ${lastLook}` : ''}.`
  }
  const asFar = unobserved.length > 0 ? ', as far as can be seen' : ''
  return `${paint('green', 'BALANCED')}: ${of}, each done, or where it should be${asFar}.`
}

/** What is missing where, and how to look into it. */
function imbalanceOf(one: Ledger['imbalances'][number], sheet: Sheet, nowMs: number) {
  const { kind, place, count, atLeast, since, ids } = one
  const shown = ids.slice(0, IDS_SHOWN_MAX).map(lineOf)
  const more = count - shown.length
  return titled(
    lineOf(`${atLeast ? 'at least ' : ''}${counted(count, kind)} missing in ${place} for ${ageOf(since, nowMs)}`),
    [
      ...shown.map((id) => `ebs why ${id}`),
      ...(more > 0 ? [`and ${more.toLocaleString('en')} more: -o json`] : []),
    ].join('\n'),
    sheet,
  )
}

/** A column for each kind: of all tenants, or of one. */
function equationOf({ totals, accounts }: Ledger, tenant: string | undefined, sheet: Sheet): string {
  const accountOf = (kind: string): Account =>
    (tenant === undefined ? totals : accounts).find((one) => one.kind === kind) ?? nothing
  const columns: Column<(typeof lines)[number]>[] = totals.map(({ kind }) => ({
    head: `${kind}s`.toUpperCase(),
    of: ({ field }) => accountOf(kind)[field],
    isNumber: true,
    isWhole: true,
  }))
  return tableOf([{ head: tenant ?? '', of: ({ what }) => what, isWhole: true }, ...columns], lines, sheet)
}

const tenantColumns: readonly Column<Ledger['accounts'][number]>[] = [
  { head: 'TENANT', of: ({ tenant }) => tenant },
  ...lines.map(
    ({ what, field }): Column<Ledger['accounts'][number]> => ({
      head: what.toUpperCase(),
      of: (account) => account[field],
      isNumber: true,
      ...((field === 'failed' || field === 'waiting') && { isMinor: true }),
    }),
  ),
]

const whose: readonly Column<{ kind: string; tenant: string; queue: string; count: number }>[] = [
  { head: 'COUNT', of: ({ count }) => count, isNumber: true, isWhole: true },
  { head: 'KIND', of: ({ kind }) => kind, isWhole: true },
  { head: 'TENANT', of: ({ tenant }) => tenant },
  { head: 'QUEUE', of: ({ queue }) => queue },
]

type Queue = Ledger['queues'][number]
/** What is there, and what should be: `found/expected`. */
const beside = (head: string, found: (queue: Queue) => unknown, expected: keyof Queue['entries']): Column<Queue> => ({
  head,
  of: (queue) => `${lineOf(found(queue))}/${queue.entries[expected]}`,
  isWhole: true,
})
const queueColumns: readonly Column<Queue>[] = [
  { head: 'QUEUE', of: ({ queue }) => queue },
  { head: 'READY', of: ({ ready }) => ready, isNumber: true, isWhole: true },
  { head: 'UNSETTLED', of: ({ unsettled }) => unsettled ?? '?', isNumber: true, isWhole: true },
  { head: 'REPLAY', of: ({ replay }) => replay, isNumber: true, isWhole: true },
  { head: 'IN FLIGHT', of: ({ entries }) => entries.inFlight, isNumber: true, isWhole: true },
  { head: 'WAITING', of: ({ entries }) => entries.waiting, isNumber: true, isWhole: true },
  beside('PARKED', ({ parked }) => parked, 'parked'),
  beside('DEAD', ({ dead }) => dead, 'dead'),
]
