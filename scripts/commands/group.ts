import { actVerb } from '../cli/acting.ts'
import { conversationColumns, conversationFilters, conversationQuery } from '../cli/conversations.ts'
import { listVerb } from '../cli/listing.ts'
import { showVerb } from '../cli/showing.ts'
import { lineOf } from '../cli/wording.ts'

const place = { service: 'hub', path: '/api/groups' } as const

export const verbs = [
  listVerb({
    ...place,
    path: () => place.path,
    says: 'List groups, newest first.',
    examples: ['ebs group list --open', 'ebs group list --open --older 10m -o json', 'ebs group list --status failure'],
    filters: conversationFilters,
    query: conversationQuery,
    columns: conversationColumns,
    none: 'There are no such groups.',
  }),
  showVerb({
    ...place,
    says: 'Show one group: its members, who is missing, what of it is held up, and its history.',
    examples: ['ebs group show lunch', 'ebs group show lunch --watch'],
  }),
  actVerb({
    ...place,
    act: 'cancel',
    says: 'End one group now, with a failure.',
    examples: ["ebs group cancel lunch --reason 'wrong customer'"],
    options: {},
    body: () => ({}),
    done: (id, { status }) => `The group ${id} is ${lineOf(status)}.`,
  }),
]
