import { z } from 'zod'
import type { Cli } from '../cli/cli.ts'
import { agreeing, why } from '../cli/common-options.ts'
import { parseDurationMs, parseTime } from '../cli/duration.ts'
import { type ExitCode, exitCodes, UsageError } from '../cli/exit-code.ts'
import { asNumber, asText, required, value, values } from '../cli/options.ts'
import { ruleSchema, rulesPath } from '../cli/rule.ts'
import { tableOf } from '../cli/table.ts'
import { verb } from '../cli/verb.ts'
import { counted, lineOf } from '../cli/wording.ts'

/** As the API takes it. */
const SAMPLE_MAX = 10_000
/** More ids on one line help nobody; json has them all. */
const EXAMPLES_SHOWN = 3

const matching = {
  where: required('--where <cel>', 'what it matches: CEL over event, tenant, type, key, queue and headers', asText),
  queues: values(
    '--queue <name...>',
    'the work queues that it applies to (default: all but those of hub and statistics)',
  ),
}
const sampling = {
  sample: value(
    '--sample <n>',
    "of each consumer's last messages, so many (default: 1000)",
    asNumber({ min: 1, max: SAMPLE_MAX }),
  ),
}

export const startVerb = verb({
  name: 'start <id>',
  says: 'Set aside what matches. Returns when no running consumer handles such a message any more.',
  examples: [
    "ebs sideline start acme-down --where 'tenant == \"acme\"' --queue process_consume --reason 'their database is down'",
    'ebs sideline start acme-down --where \'tenant == "acme"\' --queue process_consume --dry-run',
    "ebs sideline start big-tasks --where 'type == \"TASK_CREATED\" && event.task.of > 100' --expires 2h --reason 'for tonight'",
  ],
  options: {
    ...matching,
    ...sampling,
    dryRun: agreeing.dryRun,
    reason: value('--reason <text>', `${why.reason.option.description}; needed, but for --dry-run`, asText),
    expires: value('--expires <when>', 'a time, or a span such as 2h: then it resolves itself', asText),
    probe: value(
      '--probe <span>',
      'try one message this often; when it is handled, the rule resolves itself',
      parseDurationMs,
    ),
  },
  async run(cli, { where, queues, sample, dryRun, reason, expires, probe }, [id = '']) {
    if (dryRun) return tryFilter(cli, { where, queues, sample })
    if (reason === undefined) throw new UsageError("Why? Add --reason '...': it stands in the history.")
    const { status: code, body: rule } = await cli.api('hub').post(rulesPath, ruleSchema, {
      body: {
        ...{ id, filter: where, queues, actor: cli.actor, reason, probeMs: probe },
        expiresAt: expires === undefined ? undefined : parseTime(expires, cli.now()),
      },
    })
    const isThere = code === 200
    cli.answer(rule, () =>
      rule.status === 'starting'
        ? `${id} is starting: not every consumer has confirmed it.`
        : `${id} ${isThere ? 'was there already' : 'is active'}: what matches is set aside in ${rule.queues.join(', ')}.`,
    )
    if (rule.status !== 'starting') return exitCodes.ok
    if (rule.missing.length > 0)
      cli.say(['Not confirmed by:', ...rule.missing.map((name) => `  ${lineOf(name)}`)].join('\n'))
    cli.say(`Until they have, they may handle what matches. It goes on by itself: ebs sideline show ${id}`)
    return exitCodes.partly
  },
})

export const tryVerb = verb({
  name: 'try',
  says: 'How many of the last messages would a filter match? Changes nothing.',
  examples: [
    'ebs sideline try --where \'tenant == "acme"\' --queue process_consume',
    'ebs sideline try --where \'matches(event.object.name, "^test-")\' --sample 200 -o json',
  ],
  options: { ...matching, ...sampling },
  run: (cli, given) => tryFilter(cli, given),
})

const counts = { sampled: z.number(), matched: z.number(), unclear: z.number() }
const triedSchema = z.looseObject({
  ...counts,
  queues: z.array(z.looseObject({ queue: z.string(), ...counts })),
  missing: z.array(z.string()).default([]),
  examples: z.array(z.string()).default([]),
})

type Filter = {
  readonly where: string
  readonly queues: readonly string[] | undefined
  readonly sample: number | undefined
}

async function tryFilter(cli: Cli, { where, queues, sample }: Filter): Promise<ExitCode> {
  const body = { filter: where, queues, sample }
  const { body: tried } = await cli.api('hub').post(`${rulesPath}/dry-run`, triedSchema, { body })
  cli.answer(tried, (sheet) =>
    [
      tableOf(
        [
          { head: 'QUEUE', of: ({ queue }) => queue, isWhole: true },
          { head: 'SAMPLED', of: ({ sampled }) => sampled, isNumber: true },
          { head: 'MATCHED', of: ({ matched }) => matched, isNumber: true },
          { head: 'UNCLEAR', of: ({ unclear }) => unclear, isNumber: true },
        ],
        tried.queues,
        sheet,
      ),
      `${tried.matched} of the last ${counted(tried.sampled, 'message')} would be set aside.`,
      ...(tried.examples.length > 0
        ? [`For example: ${tried.examples.slice(0, EXAMPLES_SHOWN).map(lineOf).join(', ')}`]
        : []),
    ].join('\n'),
  )
  if (tried.unclear > 0)
    cli.say(
      `${counted(tried.unclear, 'message')} unclear: a field that the filter looks at is not there, so it does not match.`,
    )
  if (tried.missing.length === 0) return exitCodes.ok
  cli.say(['Not answered by:', ...tried.missing.map((name) => `  ${lineOf(name)}`)].join('\n'))
  return exitCodes.partly
}
