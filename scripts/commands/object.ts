import { itemSchema, listVerb } from '../cli/listing.ts'
import { asNumber, asText, choice, value } from '../cli/options.ts'
import { detailOf, showVerb } from '../cli/showing.ts'
import { verb } from '../cli/verb.ts'
import { ageOf, counted, lineOf } from '../cli/wording.ts'

const place = { service: 'datagen', path: '/api/objects' } as const
/** As datagen takes it. */
const COUNT_MAX = 10_000

export const verbs = [
  listVerb({
    ...place,
    path: () => place.path,
    says: 'List objects in the order they were made.',
    examples: ['ebs object list --limit 20', 'ebs object list --state failed', 'ebs object list -o json'],
    filters: { state: choice('--state <state>', 'only those', ['accepted', 'completed', 'failed']) },
    query: ({ state }) => ({ state }),
    columns: (nowMs) => [
      { head: 'ID', of: ({ id }) => id, isWhole: true },
      { head: 'TENANT', of: ({ tenant }) => tenant },
      { head: 'NAME', of: ({ name }) => name, isMinor: true },
      { head: 'STATE', of: ({ state }) => state, isWhole: true, isStatus: true },
      { head: 'MS', of: ({ durationMs }) => durationMs, isNumber: true, isMinor: true },
      { head: 'AGE', of: ({ createdAt }) => ageOf(createdAt, nowMs), isNumber: true },
      { head: 'ERROR', of: ({ error }) => error },
    ],
    none: 'There are no such objects.',
  }),
  showVerb({
    ...place,
    says: 'Show one object, and how far it is or how it ended.',
    examples: ['ebs object show 0190c5a0-7d3e-7000-8000-000000000001'],
  }),
  verb({
    name: 'create',
    says: 'Make one object, or many.',
    examples: [
      'ebs object create',
      'ebs object create --tenant acme --name order-7',
      'ebs object create --count 1000 --tenant acme',
    ],
    options: {
      tenant: value('--tenant <tenant>', 'whose it is', asText),
      name: value('--name <name>', 'what it is called', asText),
      content: value('--content <text>', 'what is in it', asText),
      count: value('--count <n>', 'so many at once', asNumber({ min: 1, max: COUNT_MAX })),
    },
    async run(cli, { tenant, name, content, count }) {
      const { body } = await cli
        .api('datagen')
        .post(place.path, itemSchema, { body: { tenant, name, content }, query: { count } })
      cli.answer(body, (sheet) =>
        count === undefined
          ? detailOf(body, sheet)
          : `${counted(count, 'object')} made: ${lineOf(body.first)} to ${lineOf(body.last)}`,
      )
      return undefined
    },
  }),
]
