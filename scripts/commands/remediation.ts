import { z } from 'zod'
import { journeySchema, journeyText } from '../cli/journey-picture.ts'
import { listVerb } from '../cli/listing.ts'
import { itemColumns, itemFilters, itemQuery } from '../cli/remediation-item.ts'
import { detailOf, pathOf } from '../cli/showing.ts'
import { verb } from '../cli/verb.ts'
import { lineOf, spanOf } from '../cli/wording.ts'
import { actVerbs, ticketVerb } from './remediation-acts.ts'
import { bulkVerb } from './remediation-bulk.ts'
import { jobVerbs } from './remediation-jobs.ts'

const place = { service: 'hub', path: '/api/remediation' } as const
const example = '0190c5a0-7d3e-7000-8000-000000000001.main'

const shownSchema = z.looseObject({
  id: z.string(),
  acts: z.array(z.string()).default([]),
  journey: journeySchema,
})

export const verbs = [
  listVerb({
    ...place,
    path: () => place.path,
    says: 'List journeys that need a person, those that began last first.',
    examples: [
      'ebs remediation list',
      'ebs remediation list --type order --cause exhausted --older-than 1h',
      'ebs remediation list --attention overdue -o json',
    ],
    filters: itemFilters,
    query: itemQuery,
    columns: () => itemColumns,
    none: 'No journey needs a person, or none of those that you ask for.',
  }),
  verb({
    name: 'show <id>',
    says: 'Show what a journey needs, how far it is, and what may be decided now.',
    examples: [`ebs remediation show ${example}`],
    options: {},
    isWatchable: true,
    async run(cli, _given, [id = '']) {
      const shown = await cli.api('hub').get(pathOf(place.path, id), shownSchema)
      const { journey, ageMs, acts, ...item } = shown
      const { activities, remediation: _, ...more } = journey
      // What stands above is not said once more.
      const rest = Object.fromEntries(Object.entries(more).filter(([name]) => !Object.hasOwn(item, name)))
      const age = typeof ageMs === 'number' ? { age: spanOf(ageMs) } : {}
      cli.answer(shown, (sheet) =>
        [detailOf({ ...item, ...age, acts }, sheet), journeyText({ ...rest, activities }, sheet, cli.now())].join(
          '\n\n',
        ),
      )
      if (!cli.isJson) cli.say(whatNow(acts, item.id))
      return undefined
    },
  }),
  ...actVerbs,
  ticketVerb,
  bulkVerb,
  jobVerbs,
]

function whatNow(acts: readonly string[], id: string): string {
  if (acts.length === 0) return 'There is nothing to decide.'
  return ['Decide:', ...acts.map((act) => `  ebs remediation ${lineOf(act)} ${lineOf(id)} --reason '...'`)].join('\n')
}
