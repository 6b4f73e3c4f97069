import { connectAmqp } from '../../shared/bus/amqp-broker.ts'
import { onFiles } from '../backup/file-trouble.ts'
import { files, type Manifest } from '../backup/manifest.ts'
import { storesIn, takeBackup } from '../backup/take.ts'
import type { Cli } from '../cli/cli.ts'
import { type ExitCode, exitCodes } from '../cli/exit-code.ts'
import { asText, flag, value } from '../cli/options.ts'
import { type Sheet, tableOf } from '../cli/table.ts'
import { type Verb, verb } from '../cli/verb.ts'
import { counted } from '../cli/wording.ts'

/** Of `backup` and `restore`. */
export const dataOption = value('--data <folder>', 'where the stores are (default: EBS_DATA_DIR, or data)', asText)

/** Nothing is declared: what is looked at stays as it is. */
const noPlan = { exchanges: [], queues: [], bindings: [] }

export const verbs: readonly Verb[] = [
  verb({
    operand: '<folder>',
    says: 'Save the stores, the sideline rules and the definitions of the broker into a new folder, while everything runs. Exits with 4 when something is lacking.',
    examples: [
      'ebs backup backups/monday',
      'ebs backup backups/monday --messages',
      'ebs backup backups/monday --dry-run',
    ],
    options: {
      data: dataOption,
      messages: flag('--messages', 'also the messages that wait for people: dead, set aside, unrouted'),
      dryRun: flag('--dry-run', 'only say what would be saved'),
    },
    async run(cli, given, [folder = '']): Promise<ExitCode> {
      const dataDir = given.data ?? cli.config.dataDir
      const { amqpUrl, amqpTls: tls, amqpManagementUrl, queueType } = cli.config
      if (given.dryRun) return foretell(cli, { folder, dataDir, withMessages: given.messages })
      const manifest = await onFiles(`${folder} is no backup: it lacks manifest.json.`, () =>
        takeBackup({
          ...{ folder, dataDir, queueType, hub: cli.api('hub'), withMessages: given.messages },
          connect: () => connectAmqp(amqpUrl, { service: 'ebs-backup', plan: noPlan, tls }),
          management: amqpManagementUrl === undefined ? undefined : { amqpUrl, managementUrl: amqpManagementUrl },
          onStep: (what) => cli.say(`saving ${what}`),
        }),
      )
      cli.answer({ folder, ...manifest }, (sheet) => drawn(folder, manifest, sheet))
      for (const lack of manifest.lacks) cli.say(`Not saved: ${lack}.`)
      return manifest.lacks.length > 0 ? exitCodes.partly : exitCodes.ok
    },
  }),
]

function foretell(cli: Cli, what: { folder: string; dataDir: string; withMessages: boolean }): ExitCode {
  const saved = [
    ...storesIn(what.dataDir),
    files.rules,
    ...(cli.config.amqpManagementUrl === undefined ? [] : [files.definitions]),
    ...(what.withMessages ? [files.messages] : []),
  ]
  cli.answer(
    { ...what, files: saved },
    () => `From ${what.dataDir} to ${what.folder}: ${saved.join(', ')}. Nothing was saved.`,
  )
  return exitCodes.ok
}

function drawn(folder: string, manifest: Manifest, sheet: Sheet): string {
  const rowsOf = (rows: Readonly<Record<string, number>>) => Object.values(rows).reduce((sum, n) => sum + n, 0)
  const table = tableOf(
    [
      { head: 'FILE', of: ({ name }) => name, isWhole: true },
      { head: 'BYTES', of: ({ bytes }) => bytes.toLocaleString('en'), isNumber: true },
      { head: 'ROWS', of: ({ rows }) => (rows === undefined ? '' : rowsOf(rows).toLocaleString('en')), isNumber: true },
      { head: 'SHA256', of: ({ sha256 }) => sha256, isMinor: true },
    ],
    [...manifest.stores, ...manifest.files.map((file) => ({ ...file, rows: undefined }))],
    sheet,
  )
  const total = manifest.messages && rowsOf(manifest.messages)
  const messages = total === undefined ? '' : ` ${counted(total, 'message')} that wait for people are in it.`
  return `${table}\n\nThe backup is in ${folder}.${messages}`
}
