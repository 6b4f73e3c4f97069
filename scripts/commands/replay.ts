import { actVerb } from '../cli/acting.ts'
import { followJob } from '../cli/job-following.ts'
import { type Item, listVerb } from '../cli/listing.ts'
import { asText, flag, value } from '../cli/options.ts'
import { pathOf, showVerb } from '../cli/showing.ts'
import { verb } from '../cli/verb.ts'
import { ageOf, lineOf } from '../cli/wording.ts'

const place = { service: 'hub', path: '/api/replays' } as const

const acts = [
  ['pause', 'Send nothing more for now; what was sent is still handled.', 'the database is slow again'],
  ['resume', 'Go on with a job that was paused, or that stopped by itself.', 'the bug is fixed'],
  ['cancel', 'End a job; what it has not sent stays where it is.', 'wrong selection'],
] as const

export const verbs = [
  listVerb({
    ...place,
    path: () => place.path,
    says: 'List jobs that replay, discard or archive, newest first.',
    examples: ['ebs replay list --open', 'ebs replay list --status stopped -o json'],
    filters: {
      open: flag('--open', 'only those that have not ended'),
      status: value('--status <status>', 'running, paused, stopped, completed or cancelled', asText),
    },
    query: ({ open, status }) => ({ open: open || undefined, status }),
    columns: (nowMs) => [
      { head: 'ID', of: ({ id }) => id, isWhole: true },
      { head: 'ACT', of: ({ act }) => act },
      { head: 'STATUS', of: ({ status }) => status, isWhole: true, isStatus: true },
      { head: 'TOTAL', of: ({ total }) => total, isNumber: true },
      { head: 'DONE', of: doneOf, isNumber: true },
      { head: 'FAILED', of: ({ failed }) => failed, isNumber: true },
      { head: 'AGE', of: ({ startedAt }) => ageOf(startedAt, nowMs), isNumber: true },
      { head: 'RULE', of: ({ rule }) => rule, isMinor: true },
      { head: 'REASON', of: ({ reason }) => reason, isMinor: true },
    ],
    none: 'There are no such jobs.',
  }),
  showVerb({
    ...place,
    says: 'Show one job: how far it is, what came of what it sent, and its history.',
    examples: ['ebs replay show r-7', 'ebs replay show r-7 -o json'],
  }),
  listVerb({
    ...place,
    name: 'messages <id>',
    path: ([id = '']) => pathOf(place.path, id, 'messages'),
    says: 'List the messages of a job and what came of each.',
    examples: ['ebs replay messages r-7', 'ebs replay messages r-7 --state dead'],
    filters: { state: value('--state <state>', 'only: chosen, released, handled, dead, parked, ...', asText) },
    query: ({ state }) => ({ state }),
    columns: () => [
      { head: 'ID', of: ({ id }) => id, isWhole: true },
      { head: 'STATE', of: ({ state }) => state, isWhole: true, isStatus: true },
      { head: 'QUEUE', of: ({ queue }) => queue },
      { head: 'TYPE', of: ({ type }) => type, isMinor: true },
      { head: 'ERROR', of: ({ error, reason }) => error ?? reason },
    ],
    none: 'There are no such messages.',
  }),
  verb({
    name: 'watch <id>',
    says: 'Follow a job to its end. Ctrl-C leaves it running.',
    examples: ['ebs replay watch r-7'],
    options: {},
    run: (cli, _given, [id = '']) => followJob(cli, id),
  }),
  ...acts.map(([act, says, reason]) =>
    actVerb({
      ...place,
      act,
      says,
      examples: [`ebs replay ${act} r-7 --reason '${reason}'`],
      options: {},
      body: () => ({}),
      done: (id, { status }) => `The job ${id} is ${lineOf(status)}.`,
    }),
  ),
]

/** Handled, or taken away. */
const doneOf = ({ act, handled, moved }: Item) => (act === 'replay' ? handled : moved)
