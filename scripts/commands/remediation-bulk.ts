import { z } from 'zod'
import { remediationActs } from '../../shared/journey-events.ts'
import type { Cli } from '../cli/cli.ts'
import { why } from '../cli/common-options.ts'
import { assertAgreed, confirm } from '../cli/confirm.ts'
import { type ExitCode, exitCodes, NotDoneError, UsageError } from '../cli/exit-code.ts'
import { readJson } from '../cli/json-input.ts'
import { itemSchema } from '../cli/listing.ts'
import { asText, flag, type Given, value, values } from '../cli/options.ts'
import { itemColumns, itemFilters, itemQuery } from '../cli/remediation-item.ts'
import { followRemediation } from '../cli/remediation-job.ts'
import { tableOf } from '../cli/table.ts'
import { verb } from '../cli/verb.ts'
import { counted, spanOf } from '../cli/wording.ts'

const path = '/api/remediation/bulk'
const counting = { count: z.number(), more: z.boolean().optional(), unknown: z.array(z.string()).default([]) }
const countSchema = z.looseObject({ ...counting, examples: z.array(itemSchema).default([]) })
const begunSchema = z.looseObject({ ...counting, job: z.string() })

type Act = (typeof remediationActs)[number]
const PAST = { retry: 'retried', skip: 'skipped', compensate: 'compensated', cancel: 'cancelled' } as const

const options = {
  ...itemFilters,
  ids: values('--id <ids...>', 'these journeys'),
  all: flag('--all', 'every journey that needs a person'),
  input: value(
    '--input <json>',
    'of retry: instead of what the definition makes; @file reads it from a file',
    readJson,
  ),
  result: value('--result <json>', 'of skip: what the step would have given (default: null)', readJson),
  yes: flag('-y, --yes', 'do not ask'),
  dryRun: flag('--dry-run', 'only count the journeys that it concerns, and show some'),
  wait: flag('--no-wait', 'do not follow the job; `ebs remediation jobs watch <id>` does'),
  // Counting is nobody's deed: --dry-run needs no reason.
  reason: value('--reason <text>', `${why.reason.option.description}; needed, but for --dry-run`, asText),
}

export const bulkVerb = verb({
  name: 'bulk <act>',
  says: 'Decide the same about many journeys: retry, skip, compensate or cancel. Counts them, asks, and follows the job.',
  examples: [
    'ebs remediation bulk retry --type order --cause exhausted --dry-run',
    "ebs remediation bulk retry --type order --cause exhausted --older-than 10m --reason 'the bank is back'",
    "ebs remediation bulk skip --step notify --result '{\"sent\":false}' --yes --reason 'no mails tonight'",
  ],
  options,
  async run(cli, given, [name = '']) {
    const act = remediationActs.find((one) => one === name)
    if (!act) throw new UsageError(`"${name}" is nothing to decide: ${remediationActs.join(', ')}.`)
    return decide(cli, act, given)
  },
})

async function decide(cli: Cli, act: Act, given: Given<typeof options>): Promise<ExitCode> {
  const { yes, dryRun, wait, reason } = given
  const { body, words } = wishOf(cli, act, given)
  const countAll = async () =>
    (await cli.api('hub').post(path, countSchema, { body: { ...body, reason: 'dry run', dryRun: true } })).body

  if (dryRun) return tellCount(cli, act, await countAll(), words)
  if (reason === undefined) throw new UsageError("Why? Add --reason '...': it stands in the history.")
  assertAgreed(cli.terminal, { yes, what: `${act} journeys`, of: 'journeys' })
  if (!yes) {
    const { count } = await countAll()
    if (count === 0) throw new NotDoneError('No journey matches: nothing was done.')
    await confirm(cli.terminal, `${act[0]?.toUpperCase()}${act.slice(1)} ${counted(count, 'journey')}${words}?`)
  }
  const { body: begun } = await cli.api('hub').post(path, begunSchema, { body: { ...body, reason } })
  if (begun.more) cli.say('More journeys match than one job takes: do it again when this one is done.')
  if (wait) return followRemediation(cli, begun.job, begun)
  cli.answer(begun, () => `The job ${begun.job} is to ${act} ${counted(begun.count, 'journey')}.`)
  cli.say(`Follow it: ebs remediation jobs watch ${begun.job}`)
  return exitCodes.ok
}

/** What is asked of the hub, and its selection as a person would say it after `12 journeys`. */
function wishOf(cli: Cli, act: Act, given: Given<typeof options>) {
  const { ids, all, input, result: output } = given
  const query = itemQuery(given)
  const chosen = Object.entries(query).filter(([, wanted]) => wanted !== undefined)
  if (ids && all) throw new UsageError('--id and --all contradict each other: give one of them.')
  if (!ids && !all && chosen.length === 0)
    throw new UsageError(
      'Which journeys? Give --id, --type, --tenant, --attention, --cause, --step or --older-than; --all means every one that needs a person.',
    )
  if (act !== 'retry' && input !== undefined) throw new UsageError(`--input is for retry: ${act} has none.`)
  if (act !== 'skip' && output !== undefined) throw new UsageError(`--result is for skip: ${act} has none.`)
  const filter = { ...query, ...(ids && { ids }) }
  const words = chosen.map(
    ([name, wanted]) => ` ${WORDS[name] ?? name} ${typeof wanted === 'number' ? spanOf(wanted) : wanted}`,
  )
  return { body: { act, filter, ...(all && { all }), input, output, actor: cli.actor }, words: words.join(',') }
}

const WORDS: Readonly<Record<string, string>> = {
  type: 'of type',
  tenant: 'of tenant',
  attention: 'with attention',
  cause: 'with cause',
  step: 'about step',
  olderThan: 'older than',
}

function tellCount(cli: Cli, act: Act, found: z.infer<typeof countSchema>, words: string): ExitCode {
  const { count, more, unknown, examples } = found
  const many = `${more ? 'More than ' : ''}${counted(count, 'journey')}${words} would be ${PAST[act]}.`
  cli.answer(found, (sheet) => (examples.length === 0 ? many : `${many}\n\n${tableOf(itemColumns, examples, sheet)}`))
  if (!cli.isJson && unknown.length > 0) cli.say(`There are no journeys ${unknown.join(', ')}.`)
  return exitCodes.ok
}
