import { connectAmqp } from '../../shared/bus/amqp-broker.ts'
import { topologyPlan } from '../../shared/topology.ts'
import { onFiles } from '../backup/file-trouble.ts'
import { files, type Manifest, readBackup } from '../backup/manifest.ts'
import { assertHas, putBack, type Restored, storesInUse } from '../backup/put-back.ts'
import { ApiError, AwayError, openApi } from '../cli/api.ts'
import type { Cli } from '../cli/cli.ts'
import { assertAgreed, confirm } from '../cli/confirm.ts'
import { type ExitCode, exitCodes, NotDoneError } from '../cli/exit-code.ts'
import { itemSchema } from '../cli/listing.ts'
import { flag } from '../cli/options.ts'
import { type Verb, verb } from '../cli/verb.ts'
import { counted } from '../cli/wording.ts'
import { serviceNames } from '../services.ts'
import { dataOption } from './backup.ts'

export const verbs: readonly Verb[] = [
  verb({
    operand: '<folder>',
    says: 'Put a backup back, while nothing runs: checks every sum first, keeps the stores that are there aside, and has objects without an end announced again.',
    examples: [
      'ebs restore backups/monday --dry-run',
      'ebs restore backups/monday --yes',
      'ebs restore backups/monday --definitions --messages --yes',
    ],
    options: {
      data: dataOption,
      definitions: flag('--definitions', "import the broker's definitions: for a new broker"),
      messages: flag('--messages', 'send the saved messages to their queues, but those that are still there'),
      yes: flag('-y, --yes', 'do not ask'),
      dryRun: flag('--dry-run', 'check everything, change nothing'),
    },
    async run(cli, given, [folder = '']): Promise<ExitCode> {
      const dataDir = given.data ?? cli.config.dataDir
      const { amqpUrl, amqpTls: tls, amqpManagementUrl } = cli.config
      const manifest = await onFiles('Nothing was restored.', () => readBackup(folder))
      if (given.messages) assertHas(manifest, files.messages, '--messages')
      if (given.definitions) assertHas(manifest, files.definitions, '--definitions')
      if (given.definitions && amqpManagementUrl === undefined)
        throw new NotDoneError('--definitions needs EBS_AMQP_MANAGEMENT_URL. Nothing was restored.')
      await assertStopped(cli, dataDir)
      if (given.dryRun) {
        cli.answer(
          { folder, dataDir, ...manifest },
          () => `${described(folder, manifest)} It is whole. Nothing was changed in ${dataDir}.`,
        )
        return exitCodes.ok
      }
      const what = `replace the stores in ${dataDir} by those of ${manifest.startedAt}`
      assertAgreed(cli.terminal, { yes: given.yes, what, of: 'stores' })
      if (!given.yes) await confirm(cli.terminal, `${described(folder, manifest)} Really ${what}?`)
      const management = amqpManagementUrl === undefined ? undefined : { amqpUrl, managementUrl: amqpManagementUrl }
      const plan = topologyPlan(manifest.queueType)
      const connect = () => connectAmqp(amqpUrl, { service: 'ebs-restore', plan, tls })
      const half = `Not all is restored: what was there is in ${dataDir}/before-restore-*. Put that right, and restore again.`
      const restored = await onFiles(half, () =>
        putBack({
          ...{ folder, dataDir, manifest, nowMs: cli.now() },
          ...(given.definitions && { management }),
          ...(given.messages && { connect }),
        }),
      )
      cli.answer(restored, () => told(dataDir, restored))
      cli.say('Start the services; then `ebs ledger` names what is not there any more.')
      return exitCodes.ok
    },
  }),
]

/** Throws NotDoneError when a store is open or a service answers: what it has in memory would be written over what is restored. */
async function assertStopped(cli: Cli, dataDir: string): Promise<void> {
  const used = await onFiles('Nothing was restored.', () => storesInUse(dataDir))
  if (used.length > 0)
    throw new NotDoneError(`${used.join(', ')} in ${dataDir} is in use: stop the services first. Nothing was restored.`)
  const answering = await Promise.all(serviceNames.map(async (name) => ((await answers(cli, name)) ? name : undefined)))
  const running = answering.filter((name) => name !== undefined)
  if (running.length > 0)
    throw new NotDoneError(`${running.join(', ')} still answers: stop the services first. Nothing was restored.`)
}

async function answers({ config }: Cli, name: (typeof serviceNames)[number]): Promise<boolean> {
  try {
    await openApi(name, config.urls.get(name) ?? '').get('/health/live', itemSchema)
    return true
  } catch (error) {
    if (error instanceof ApiError) return true
    if (error instanceof AwayError) return false
    throw error
  }
}

const described = (folder: string, { startedAt, stores, messages, lacks }: Manifest): string =>
  [
    `${folder} is of ${startedAt}: ${stores.map(({ name }) => name).join(', ')}.`,
    ...(messages ? [`${counted(sumOf(messages), 'message')} that waited for people.`] : []),
    ...lacks.map((lack) => `It lacks: ${lack}.`),
  ].join(' ')

const sumOf = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((sum, n) => sum + n, 0)

const told = (dataDir: string, { stores, movedTo, announced, hasDefinitions, messages }: Restored): string =>
  [
    `Restored in ${dataDir}: ${stores.join(', ')}.`,
    ...(movedTo === undefined ? [] : [`What was there is in ${movedTo}.`]),
    `${counted(announced, 'object')} without an end will be announced again.`,
    ...(hasDefinitions ? ["The broker's definitions are imported."] : []),
    ...Object.entries(messages).map(([queue, count]) => `${counted(count, 'message')} sent back to ${queue}.`),
  ].join('\n')
