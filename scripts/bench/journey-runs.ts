import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { openBusClient } from './bus-client.ts'
import { publishAll } from './objects.ts'
import { ebsProgram, floorProgram, hubProgram, type Running, type StartOptions, startServices } from './services.ts'
import type { BenchBroker } from './vhost.ts'

export type SideName = 'floor' | 'ebs'

const RUN_MS_MAX = 600_000
const POLL_MS = 20

/** Five activities, two of them at the same time. `waits` has one that nobody ever answers. */
const noop = (after: readonly string[]) => ({ activity: 'noop', after, timeout: '10m' })
const bench = {
  ...{ type: 'bench', version: 1, deadline: '1h' },
  activities: { a: noop([]), b: noop(['a']), c: noop(['a']), d: noop(['b', 'c']), e: noop(['d']) },
}
const waits = {
  ...{ type: 'waits', version: 1, deadline: '1d' },
  activities: { wait: { activity: 'deferred', timeout: '12h', retry: { retries: 0 } } },
}

/** A folder with the definitions of the benchmark. */
export async function definitionsFolder() {
  const path = await mkdtemp(join(tmpdir(), 'ebs-bench-definitions-'))
  for (const document of [bench, waits]) await writeFile(join(path, `${document.type}.json`), JSON.stringify(document))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) }
}

const mocks = JSON.stringify({ noop: [{ output: null }] })

/** A coordinator and a worker of this side. */
export function startJourneys(broker: BenchBroker, side: SideName, definitions: string): Promise<Running> {
  const own: StartOptions =
    side === 'ebs'
      ? {
          purpose: 'journeys',
          programs: [hubProgram, ebsProgram('processor', 'process_consume')],
          env: { EBS_DEFINITIONS_DIR: definitions, EBS_MOCK_ACTIVITIES: mocks },
          // It would only fill.
          deaf: ['statistics'],
        }
      : {
          purpose: 'journeys-floor',
          programs: [floorProgram('journey-hub', 'hub_consume'), floorProgram('journey-worker', 'activity.noop')],
          bare: [
            { queue: 'hub_consume', key: 'initiate_journey.*' },
            { queue: 'hub_consume', key: 'activities.succeeded' },
            { queue: 'activity.noop', key: 'activity.noop' },
          ],
        }
  return startServices(broker, own)
}

/** Publishes requests for journeys of a type, as a gateway would have them initiated. */
export async function requestJourneys(
  running: Running,
  { type, count, name }: { readonly type: string; readonly count: number; readonly name: string },
): Promise<void> {
  await using client = await openBusClient(running.amqpUrl)
  await publishAll(client, count, (index) =>
    client.publish({
      ...{ type: 'INITIATE_JOURNEY', sagaId: `${name}-${index}.bench`, journeyType: type, formatVersion: 1 },
      ...{ tenant: 'default', payload: { order: index }, meta: {} },
    }),
  )
}

const counts = {
  ebs: "SELECT count(*) FROM conversations WHERE kind = 'journey' AND status = ?",
  floor: "SELECT count(*) FROM journeys WHERE done = 1 AND ? = 'COMPLETED'",
}

/** Waits until so many journeys have this status, as a person with sqlite3 sees it. */
export async function untilJourneys(
  { dataDir }: Running,
  { side, count, status }: { readonly side: SideName; readonly count: number; readonly status: string },
): Promise<void> {
  const db = new Database(join(dataDir, 'hub.db'), { readonly: true, fileMustExist: true })
  const giveUpAt = performance.now() + RUN_MS_MAX
  try {
    const ask = db.prepare(counts[side]).pluck()
    let seen: unknown
    for (;;) {
      const version = db.pragma('data_version', { simple: true })
      if (version !== seen && Number(ask.get(status)) >= count) return
      seen = version
      if (performance.now() > giveUpAt)
        throw new Error(`After ${RUN_MS_MAX} ms ${ask.get(status)} of ${count} journeys are ${status}.`)
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  } finally {
    db.close()
  }
}
