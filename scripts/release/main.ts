import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { connectAmqp } from '../../shared/bus/amqp-broker.ts'
import { copyStore } from '../../shared/store/copies.ts'
import type { Migration } from '../../shared/store/migrations.ts'
import { dumpStore } from '../../shared/store/sql-dump.ts'
import { stampedVersion, topologyPlan } from '../../shared/topology.ts'
import { type StoreFile, storeFiles } from '../backup/manifest.ts'
import { createVhost } from '../bench/vhost.ts'
import { useBroker } from '../demos/broker.ts'
import { EXIT_MISCONFIGURED, runScript } from '../entry.ts'
import { recordTopology, takeMessages } from './left-behind.ts'
import { OldSystem, packageOf } from './old-system.ts'
import { type RecordedTopology, type Release, recordedFiles } from './recorded.ts'
import { digestsOf, type MigrationDigest, stores } from './stores.ts'
import { runStory } from './story.ts'

const usage = [
  'Usage: npm run release:record -- <program> [--as <version>] [--to <folder>]',
  '  <program>       a checkout of the release with its packages, built: it is run, and killed',
  '  --as <version>  its version; missing: as in its package.json',
  '  --to <folder>   where the folder of the release is made; missing: test/releases',
].join('\n')

const migrationList = z.array(z.object({ name: z.string(), sql: z.string() }))
const noPlan = { exchanges: [], queues: [], bindings: [] }

await runScript(async (config) => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { as: { type: 'string' }, to: { type: 'string' } },
  })
  const [given] = positionals
  if (given === undefined || !existsSync(join(given, 'dist', 'services', 'hub', 'main.js'))) {
    console.error(usage)
    return EXIT_MISCONFIGURED
  }
  const program = resolve(given)
  const version = values.as ?? (await packageOf(program))
  const folder = join(values.to ?? join(config.root, 'test', 'releases'), version)
  await using broker = await useBroker(config)
  await using vhost = await createVhost(broker, 'record', 'ebs-release')
  await using system = await OldSystem.open(program, vhost)

  const accepted = await runStory(system, program, () =>
    connectAmqp(vhost.amqpUrl, { service: 'release', plan: noPlan }),
  )
  const recordedAtMs = Date.now()
  const topology = await recordTopology(vhost)
  // To look into queues the present topology is needed; the recorded one is known by now.
  const bus = connectAmqp(vhost.amqpUrl, { service: 'release', plan: topologyPlan('quorum') })
  await bus.ready()
  const messages = await takeMessages(bus, topology)
  await bus.close()

  await mkdir(folder, { recursive: true })
  const migrations: Partial<Record<StoreFile, readonly MigrationDigest[]>> = {}
  for (const name of storeFiles.filter((file) => existsSync(join(system.dataDir, file)))) {
    await writeFile(join(folder, `${name}.sql`), await dumped(join(system.dataDir, name)))
    migrations[name] = digestsOf(await migrationsOf(program, name))
  }
  await writeFile(join(folder, recordedFiles.topology), topologyText(topology))
  await writeFile(
    join(folder, recordedFiles.messages),
    messages.map((message) => `${JSON.stringify(message)}\n`).join(''),
  )
  const commit = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: program, encoding: 'utf8' }).trim()
  const topologyVersion = Math.max(1, ...topology.exchanges.map(({ name }) => stampedVersion(name) ?? 1))
  const release = { version, commit, recordedAtMs, topologyVersion, migrations, accepted }
  await writeFile(join(folder, recordedFiles.release), `${JSON.stringify(release satisfies Described, null, 2)}\n`)
  console.log(`${folder}: ${messages.length} messages, ${Object.keys(migrations).join(', ')}.`)
  return 0
})

type Described = Omit<Release, 'migrations'> & {
  readonly migrations: Partial<Record<StoreFile, readonly MigrationDigest[]>>
}

/** By way of a copy, which has no log and is checked. */
async function dumped(path: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'ebs-release-copy-'))
  try {
    await copyStore(path, join(folder, 'copy.db'))
    return dumpStore(join(folder, 'copy.db'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function migrationsOf(program: string, file: StoreFile): Promise<readonly Migration[]> {
  const { module, name, migrations } = stores[file]
  const loaded: unknown = await import(pathToFileURL(join(program, 'dist', module)).href)
  const found = z.record(z.string(), z.unknown()).parse({ ...z.looseObject({}).parse(loaded) })[name]
  if (found === undefined) console.log(`${module} of the release gives no ${name}: taken for the same as here.`)
  return found === undefined ? migrations : migrationList.parse(found)
}

/** A line for each row, so that a difference can be read. */
function topologyText(topology: RecordedTopology): string {
  const parts = Object.entries(topology).map(
    ([name, rows]) => `"${name}": [\n${rows.map((row) => `  ${JSON.stringify(row)}`).join(',\n')}\n]`,
  )
  return `{\n${parts.join(',\n')}\n}\n`
}
