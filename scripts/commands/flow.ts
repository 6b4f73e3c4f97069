import { actVerb } from '../cli/acting.ts'
import { conversationColumns, conversationFilters, conversationQuery } from '../cli/conversations.ts'
import { itemSchema, listVerb } from '../cli/listing.ts'
import { asNumber, asText, choice, required, value } from '../cli/options.ts'
import { detailOf, showVerb } from '../cli/showing.ts'
import { verb } from '../cli/verb.ts'
import { lineOf } from '../cli/wording.ts'

const place = { service: 'hub', path: '/api/flows' } as const
/** As the catalogue of events has it. */
const LENGTH_MAX = 100
/** `EBS_WAIT_MS_MAX` at its largest. */
const WAIT_S_MAX = 600

export const verbs = [
  listVerb({
    ...place,
    path: () => place.path,
    says: 'List flows, newest first.',
    examples: ['ebs flow list --open', 'ebs flow list --open --older 5m', 'ebs flow list --status error --limit 20'],
    filters: conversationFilters,
    query: conversationQuery,
    columns: conversationColumns,
    none: 'There are no such flows.',
  }),
  showVerb({
    ...place,
    says: 'Show one flow: its calls with their attempts, what of it is held up, its timers and history.',
    examples: ['ebs flow show order-7', 'ebs flow show order-7 -o json'],
  }),
  verb({
    name: 'start',
    says: 'Start the example flow.',
    examples: ['ebs flow start --length 3 --wait 20', 'ebs flow start --length 3 --error worker --id order-7'],
    options: {
      length: required('--length <n>', 'how many installs', asNumber({ min: 1, max: LENGTH_MAX })),
      mode: choice('--mode <mode>', 'all at once or one after another', ['parallel', 'sequential']),
      error: choice('--error <where>', 'where it is to go wrong', ['hub', 'worker', 'backend']),
      id: value('--id <id>', 'id of the flow; the same id again is the same flow', asText),
      wait: value('--wait <seconds>', 'wait for its end', asNumber({ min: 1, max: WAIT_S_MAX })),
    },
    async run(cli, { length, mode, error, id, wait }) {
      const { body } = await cli.api('gateway').post('/api/flows', itemSchema, {
        body: { length, mode, error, flowId: id },
        headers: wait === undefined ? {} : { prefer: `wait=${wait}` },
      })
      cli.answer(body, (sheet) => detailOf(body, sheet))
      if (body.status === 'accepted') cli.say(`How it goes on: ebs flow show ${lineOf(body.id)}`)
      return undefined
    },
  }),
  actVerb({
    ...place,
    act: 'cancel',
    says: 'End one flow now, with an error; what had succeeded is undone.',
    examples: ["ebs flow cancel order-7 --reason 'the customer left'"],
    options: {},
    body: () => ({}),
    done: (id, { status }) => `The flow ${id} is ${lineOf(status)}.`,
  }),
]
