import { type Item, listVerb } from '../cli/listing.ts'
import { asText, flag, value } from '../cli/options.ts'
import { pathOf, showVerb } from '../cli/showing.ts'
import { ageOf } from '../cli/wording.ts'
import { endVerbs } from './sideline-end.ts'
import { startVerb, tryVerb } from './sideline-start.ts'

const place = { service: 'hub', path: '/api/sidelines' } as const

export const verbs = [
  startVerb,
  tryVerb,
  listVerb({
    ...place,
    path: () => place.path,
    says: 'List rules with what they hold, newest first.',
    examples: [
      'ebs sideline list --open',
      'ebs sideline list --status starting -o json',
      'ebs sideline list --open --watch',
    ],
    filters: {
      open: flag('--open', 'only those that have not ended'),
      status: value(
        '--status <status>',
        'starting, active, resuming, resolving, draining, closed or discarded',
        asText,
      ),
    },
    query: ({ open, status }) => ({ open: open || undefined, status }),
    columns: (nowMs) => [
      { head: 'ID', of: ({ id }) => id, isWhole: true },
      { head: 'STATUS', of: ({ status }) => status, isWhole: true, isStatus: true },
      { head: 'PARKED', of: ({ parked }) => parked, isNumber: true },
      { head: 'AGE', of: ({ since }) => ageOf(since, nowMs), isNumber: true },
      { head: 'QUEUES', of: queuesOf },
      { head: 'FILTER', of: ({ filter }) => filter },
      { head: 'ACTOR', of: ({ actor }) => actor, isMinor: true },
      { head: 'REASON', of: ({ reason }) => reason, isMinor: true },
    ],
    none: 'There are no such rules.',
  }),
  showVerb({
    ...place,
    says: 'Show one rule: what it holds by queue, who did what and why, and consumers that have not confirmed it.',
    examples: ['ebs sideline show acme-down', 'ebs sideline show acme-down --watch'],
  }),
  listVerb({
    ...place,
    name: 'messages <id>',
    path: ([id = '']) => pathOf(place.path, id, 'messages'),
    says: 'List what a rule has set aside, newest first.',
    examples: ['ebs sideline messages acme-down --limit 20', 'ebs sideline messages acme-down --state held -o json'],
    filters: { state: value('--state <state>', 'only: held, chosen, released, handled, dead, parked, ...', asText) },
    query: ({ state }) => ({ state }),
    columns: (nowMs) => [
      { head: 'ID', of: ({ id }) => id, isWhole: true },
      { head: 'QUEUE', of: ({ queue }) => queue },
      { head: 'TYPE', of: ({ type }) => type, isMinor: true },
      { head: 'TENANT', of: ({ tenant }) => tenant, isMinor: true },
      { head: 'AGE', of: ({ heldAt }) => ageOf(heldAt, nowMs), isNumber: true },
      { head: 'STATE', of: ({ state }) => state, isStatus: true },
    ],
    none: 'It has set nothing aside.',
  }),
  ...endVerbs,
]

const queuesOf = ({ queues }: Item) => (Array.isArray(queues) ? queues.join(',') : queues)
