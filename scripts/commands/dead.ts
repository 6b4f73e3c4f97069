import { unroutedQueue } from '../../shared/topology.ts'
import { listVerb } from '../cli/listing.ts'
import { asText, value } from '../cli/options.ts'
import { selecting, selectionQuery } from '../cli/selection.ts'
import { showVerb } from '../cli/showing.ts'
import { ageOf } from '../cli/wording.ts'
import { bulkVerb } from './dead-bulk.ts'
import { editVerb } from './dead-edit.ts'

const place = { service: 'hub', path: '/api/dead' } as const
const { queue, type, tenant } = selecting

export const verbs = [
  listVerb({
    ...place,
    name: 'groups',
    path: () => `${place.path}/groups`,
    says: 'What dead messages have in common: a line per queue, type and error, largest first.',
    examples: ['ebs dead groups', 'ebs dead groups --queue process_consume', 'ebs dead groups -o json'],
    filters: { queue, type, tenant },
    query: (given) => given,
    columns: (nowMs) => [
      { head: 'COUNT', of: ({ count }) => count, isNumber: true, isWhole: true },
      { head: 'GROUP', of: ({ fingerprint }) => fingerprint, isWhole: true },
      { head: 'QUEUE', of: ({ queue: from }) => from ?? unroutedQueue },
      { head: 'TYPE', of: ({ type: event }) => event, isMinor: true },
      { head: 'LAST', of: ({ lastAt }) => ageOf(lastAt, nowMs), isNumber: true },
      { head: 'ERROR', of: ({ error, reason }) => error ?? reason },
    ],
    none: 'Nothing is dead.',
  }),
  listVerb({
    ...place,
    path: () => place.path,
    says: 'List dead messages, newest first.',
    examples: [
      'ebs dead list --queue process_consume',
      'ebs dead list --group 5d41402a --limit 20',
      'ebs dead list --where \'event.task.tenant == "acme"\'',
      'ebs dead list --queue ebs.unrouted -o json',
    ],
    filters: {
      ...selecting,
      state: value(
        '--state <state>',
        'held, released, handled, dead, discarded, ... or all (default: what lies there)',
        asText,
      ),
    },
    query: ({ state, ...given }) => ({ ...selectionQuery(given), state }),
    columns: (nowMs) => [
      { head: 'ID', of: ({ id }) => id, isWhole: true },
      { head: 'QUEUE', of: ({ queue: from, place: lies }) => from ?? lies },
      { head: 'TYPE', of: ({ type: event }) => event, isMinor: true },
      { head: 'TENANT', of: ({ tenant: whose }) => whose, isMinor: true },
      { head: 'AGE', of: ({ heldAt }) => ageOf(heldAt, nowMs), isNumber: true },
      { head: 'STATE', of: ({ state }) => state, isMinor: true },
      { head: 'ERROR', of: ({ error, reason }) => error ?? reason },
    ],
    none: 'Nothing is dead, or nothing of what you ask for.',
  }),
  showVerb({
    ...place,
    says: 'Show one message with its content, and the conversations that it belongs to.',
    examples: ['ebs dead show 0190c5a0-7d3e-8000-8000-000000000001'],
  }),
  bulkVerb('replay', {
    says: 'Bring messages back to the queue that they came from: a few first, the rest when those are handled.',
    examples: [
      "ebs dead replay --group 5d41402a --canary 10 --reason 'fixed in 1.4.2'",
      "ebs dead replay --queue process_consume --tenant acme --rate 50 --yes --reason 'database is back'",
      'ebs dead replay --queue process_consume --dry-run',
    ],
  }),
  editVerb,
  bulkVerb('discard', {
    says: 'Drop messages for good.',
    examples: [
      "ebs dead discard --group 5d41402a --yes --reason 'test data'",
      'ebs dead discard --queue ebs.unrouted --dry-run',
    ],
  }),
  bulkVerb('archive', {
    says: "Take messages out of the broker and keep them in the hub's database.",
    examples: [
      "ebs dead archive --queue process_consume --where 'event.task.index > 3' --yes --reason 'for the auditors'",
    ],
  }),
]
