import { actVerb } from '../cli/acting.ts'
import { parseTime } from '../cli/duration.ts'
import { type Item, listVerb } from '../cli/listing.ts'
import { asNumber, asText, flag, required, value } from '../cli/options.ts'
import { showVerb } from '../cli/showing.ts'
import { lineOf, spanOf } from '../cli/wording.ts'

const place = { service: 'hub', path: '/api/timers' } as const
const tokens = {
  token: value(
    '--token <n>',
    'only when it has not been armed again since',
    asNumber({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  ),
}

export const verbs = [
  listVerb({
    ...place,
    path: () => place.path,
    says: 'List timers, earliest due first.',
    examples: ['ebs timer list --limit 20', 'ebs timer list --overdue', 'ebs timer list --kind flow -o json'],
    filters: {
      kind: value('--kind <kind>', 'only of this kind of conversation: group, flow, sideline, replay', asText),
      overdue: flag('--overdue', 'only those whose time has passed'),
    },
    query: ({ kind, overdue }) => ({ kind, overdue: overdue || undefined }),
    columns: (nowMs) => [
      { head: 'ID', of: ({ id }) => id, isWhole: true },
      { head: 'DUE IN', of: (timer) => dueIn(timer, nowMs), isNumber: true },
      { head: 'DUE', of: ({ due }) => due },
      { head: 'TOKEN', of: ({ token }) => token, isNumber: true, isMinor: true },
    ],
    none: 'There are no such timers.',
  }),
  showVerb({ ...place, says: 'Show one timer.', examples: ['ebs timer show group:lunch:ttl'] }),
  actVerb({
    ...place,
    act: 'fire',
    says: 'Fire one timer now, as if it were due.',
    examples: ["ebs timer fire flow:order-7:deadline --reason 'nobody will answer'"],
    options: tokens,
    body: ({ token }) => ({ token }),
    done: (id) => `The timer ${id} has fired.`,
  }),
  actVerb({
    ...place,
    act: 'cancel',
    says: 'Take one timer away: its conversation may then wait for ever.',
    examples: ["ebs timer cancel group:lunch:ttl --reason 'they decide by hand'"],
    options: tokens,
    body: ({ token }) => ({ token }),
    done: (id) => `The timer ${id} is gone.`,
  }),
  actVerb({
    ...place,
    act: 'move',
    says: 'Give one timer another due time.',
    examples: [
      "ebs timer move group:lunch:ttl --to 30m --reason 'Bob is late'",
      "ebs timer move group:lunch:ttl --to 2030-01-31T12:00:00Z --reason 'next year'",
    ],
    options: {
      ...tokens,
      to: required('--to <when>', 'a time, or a span from now such as 30m', asText),
    },
    body: ({ token, to }, nowMs) => ({ token, due: parseTime(to, nowMs) }),
    done: (id, { timer }) => `The timer ${id} is due ${dueOf(timer)}.`,
  }),
]

function dueIn({ due }: Item, nowMs: number): string {
  const ms = typeof due === 'string' ? Date.parse(due) - nowMs : Number.NaN
  if (Number.isNaN(ms)) return '-'
  return ms < 0 ? `-${spanOf(-ms)}` : spanOf(ms)
}

/** One that was moved into the past has fired, and is no more. */
const dueOf = (timer: unknown): string =>
  typeof timer === 'object' && timer !== null && 'due' in timer ? lineOf(timer.due) : 'now'
