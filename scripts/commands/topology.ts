import { comparePlan } from '../../shared/bus/amqp-compare.ts'
import {
  controlStream,
  deadQueueOf,
  levelExchange,
  levels,
  type Plan,
  queues,
  replayQueueOf,
  rungQueue,
  topologyPlan,
  topologyVersion,
  unroutedQueue,
} from '../../shared/topology.ts'
import { definitionsOf, textOf, userNames } from '../broker/definitions.ts'
import type { Cli } from '../cli/cli.ts'
import { type ExitCode, exitCodes } from '../cli/exit-code.ts'
import { asText, flag, value } from '../cli/options.ts'
import { type Sheet, tableOf } from '../cli/table.ts'
import { type Verb, verb } from '../cli/verb.ts'
import { counted } from '../cli/wording.ts'
import { shownUrls, unreachable } from '../topology/reach.ts'
import { ownerOf, standInOf } from '../topology/wanted.ts'
import { compareBindings, type Difference } from './topology-bindings.ts'
import { changeVerbs } from './topology-change.ts'

export const verbs: readonly Verb[] = [
  verb({
    name: 'print',
    says: 'What ebs declares on a broker: exchanges, queues with what they hear, and the delay ladder.',
    examples: ['ebs topology print', 'ebs topology print -o json'],
    options: {},
    async run(cli) {
      const plan = topologyPlan(cli.config.queueType)
      cli.answer(plan, (sheet) => drawn(plan, sheet))
      return undefined
    },
  }),
  verb({
    name: 'verify',
    says: 'Compare what ebs declares with the broker at EBS_AMQP_URL, and change nothing. Exits with 1 when they differ.',
    examples: ['ebs topology verify', 'ebs topology verify -o json'],
    options: {},
    run: verify,
  }),
  verb({
    name: 'definitions',
    says: 'Definitions for a broker, to import: a user for each service with the rights that it needs, and the topology.',
    examples: ['ebs topology definitions', 'ebs topology definitions --from-env --vhost shop'],
    options: {
      fromEnv: flag(
        '--from-env',
        'passwords from EBS_<SERVICE>_PASSWORD and EBS_ADMIN_PASSWORD; otherwise they equal the names',
      ),
      vhost: value('--vhost <name>', 'the virtual host; missing: /', asText),
      breakers: flag('--breakers', 'circuit breakers are on: consumers may start sideline rules'),
    },
    run: define,
  }),
  ...changeVerbs,
]

async function define(
  cli: Cli,
  given: { readonly fromEnv: boolean; readonly vhost: string | undefined; readonly breakers: boolean },
): Promise<undefined> {
  // Loaded here: no other verb needs what activities are made of.
  const { activityNames } = await import('../../services/processor/activities/table.ts')
  const passwords = (given.fromEnv && cli.config.passwords) || new Map()
  const unset = given.fromEnv ? userNames.filter((name) => !passwords.has(name)) : []
  if (unset.length > 0)
    cli.say(
      `No password is set for ${unset.join(', ')}: it equals the name, which is for trying only. Set EBS_<NAME>_PASSWORD.`,
    )
  const definitions = definitionsOf({
    ...{ vhost: given.vhost ?? '/', queueType: cli.config.queueType, activities: activityNames, passwords },
    withBreakers: given.breakers,
  })
  cli.answer(definitions, () => textOf(definitions).trimEnd())
  return undefined
}

async function verify(cli: Cli): Promise<ExitCode> {
  const { amqpUrl, amqpManagementUrl, queueType } = cli.config
  const plan = topologyPlan(queueType)
  const shownUrl = shownUrls(amqpUrl)
  const { broker, topology, missing, drifts } = await comparePlan(amqpUrl, plan, cli.config.amqpTls).catch(
    (error: unknown) => {
      throw unreachable(amqpUrl, error)
    },
  )
  const differences: Difference[] = [
    ...missing.map(({ kind, name }) => ({ kind, name, what: 'there', wanted: 'yes', found: 'no' })),
    ...drifts.map(({ argument, ...drift }) => ({ ...drift, what: argument })),
    ...(amqpManagementUrl === undefined
      ? []
      : await compareBindings(plan, { queueType, amqpUrl, managementUrl: amqpManagementUrl })),
  ]
  const bindings = amqpManagementUrl === undefined ? 'not compared' : 'compared'
  const isSame = differences.length === 0
  const isNewer = topology > topologyVersion
  const versions = { broker: topology, ebs: topologyVersion }
  cli.answer({ broker, topology: versions, differences, bindings }, (sheet) =>
    isSame
      ? `${broker} at ${shownUrl} holds what ebs declares: ${counted(plan.exchanges.length, 'exchange')}, ${counted(plan.queues.length, 'queue')}, topology ${topologyVersion}.`
      : differencesTable(differences, sheet),
  )
  if (amqpManagementUrl === undefined)
    cli.say(
      'Bindings were not compared, nor was it looked for a change that was begun: only the management API tells them. EBS_AMQP_MANAGEMENT_URL says where it is.',
    )
  if (isNewer)
    cli.say(
      `The broker was made for topology ${topology}, this ebs knows ${topologyVersion}: no service of it starts here. Use the newer one (docs/upgrading.md).`,
    )
  const begun = differences.flatMap(({ kind, name, wanted }) =>
    kind === 'queue' && wanted === 'no' ? (ownerOf(name) ?? []) : [],
  )
  if (begun.length > 0)
    cli.say(
      `A change of ${begun.join(', ')} was begun and is not done: what is new may wait in ${begun.map(standInOf).join(', ')}, unhandled. \`ebs topology apply\` ends it; with the arguments of before (EBS_QUEUE_TYPE) it gives it up.`,
    )
  if (isSame) return isNewer ? exitCodes.failed : exitCodes.ok
  cli.say(
    [
      `${counted(differences.length, 'difference')}. What is missing is declared when a service starts.`,
      'What is there with other arguments stays: set EBS_QUEUE_TYPE to what is there, or change it: `ebs topology plan` says how.',
    ].join('\n'),
  )
  return exitCodes.failed
}

const differencesTable = (differences: readonly Difference[], sheet: Sheet): string =>
  tableOf(
    [
      { head: 'KIND', of: ({ kind }) => kind, isWhole: true },
      { head: 'NAME', of: ({ name }) => name, isWhole: true },
      { head: 'WHAT', of: ({ what }) => what },
      { head: 'WANTED', of: ({ wanted }) => wanted },
      { head: 'FOUND', of: ({ found }) => found },
    ],
    differences,
    sheet,
  )

/** Work queues with what belongs to them in one row, a level of the ladder in another: a hundred rows would say no more. */
function drawn(plan: Plan, sheet: Sheet): string {
  const there = new Set(plan.queues.map(({ name }) => name))
  const exchangesTable = tableOf(
    [
      { head: 'EXCHANGE', of: ({ name }) => name, isWhole: true },
      { head: 'TYPE', of: ({ type }) => type },
      { head: 'ALTERNATE', of: (exchange) => exchange.arguments['alternate-exchange'] },
    ],
    plan.exchanges,
    sheet,
  )
  const argumentsOf = new Map(plan.queues.map((queue) => [queue.name, queue.arguments]))
  const queuesTable = tableOf(
    [
      { head: 'QUEUE', of: ({ name }) => name, isWhole: true },
      { head: 'TYPE', of: ({ name }) => argumentsOf.get(name)?.['x-queue-type'] },
      {
        head: 'BESIDE IT',
        of: ({ name }) =>
          [deadQueueOf(name), replayQueueOf(name)]
            .filter((one) => there.has(one))
            .map((one) => one.slice(name.length))
            .join(' '),
      },
      { head: 'ONE CONSUMER', of: ({ name }) => (argumentsOf.get(name)?.['x-single-active-consumer'] ? 'yes' : '') },
      { head: 'HEARS', of: ({ hears }) => hears },
    ],
    [
      ...Object.entries(queues).map(([name, row]) => ({ name, hears: row.hears.join(' ') })),
      { name: unroutedQueue, hears: 'what no queue wants' },
      { name: controlStream, hears: 'rules, and what consumers say to them' },
    ],
    sheet,
  )
  const ladderTable = tableOf(
    [
      { head: 'LADDER', of: ({ level }) => levelExchange(level), isWhole: true },
      { head: 'RUNGS', of: ({ rungs }) => rungs.map(rungQueue).join(' ') },
    ],
    levels.map(({ rungs }, level) => ({ level, rungs })),
    sheet,
  )
  return [exchangesTable, queuesTable, ladderTable].join('\n\n')
}
