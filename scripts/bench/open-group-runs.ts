import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { catalogue } from '../../shared/events.ts'
import { type BusClient, openBusClient } from './bus-client.ts'
import { afterMs, paced } from './lateness.ts'
import { publishAll } from './objects.ts'
import { residentMb } from './processes.ts'
import type { Running } from './services.ts'

const RUN_MS_MAX = 600_000
const POLL_MS = 100
const OPEN_TTL_S = 3_600
const SMALL_TTL_S = 300
const MEMBERS = ['a', 'b', 'c']
const OPEN = "SELECT count(*) FROM conversations WHERE kind = 'group' AND status = 'open'"

export const hubMb = (running: Running) => residentMb(running.processes[0]?.pid ?? 0)

/** How many groups are open, as a person with sqlite3 sees it. */
export function countOpen(running: Running): number {
  const db = new Database(join(running.dataDir, 'hub.db'), { readonly: true, fileMustExist: true })
  try {
    return Number(db.prepare(OPEN).pluck().get())
  } finally {
    db.close()
  }
}

/** Megabytes (10^6 bytes) of the database, its write-ahead log included. */
export async function databaseMb(running: Running): Promise<number> {
  const sizes = await Promise.all(
    ['hub.db', 'hub.db-wal'].map((file) => stat(join(running.dataDir, file)).catch(() => undefined)),
  )
  return sizes.reduce((sum, found) => sum + (found?.size ?? 0), 0) / 1e6
}

/** Opens groups that stay open, and waits until they are stored; gives back groups per second. */
export async function openGroups(running: Running, count: number): Promise<number> {
  await using client = await openBusClient(running.amqpUrl)
  const startedAt = performance.now()
  await publishAll(client, count, (index) =>
    client.publish({ type: 'EventGroupCollectorCreate', id: `open-${index}`, expected: MEMBERS, ttl: OPEN_TTL_S }),
  )
  while (countOpen(running) < count) {
    if (performance.now() - startedAt > RUN_MS_MAX)
      throw new Error(`After ${RUN_MS_MAX} ms ${countOpen(running)} of ${count} groups are open.`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
  return (count / (performance.now() - startedAt)) * 1_000
}

/** Small groups, each a Create and three Dones. `name` makes their ids new. */
export type SmallGroups = { readonly name: string; readonly count: number }

/** Milliseconds from the publish of a group's first message until its Success is heard, at an even rate (1/s). */
export async function smallLatency(
  running: Running,
  { name, count, rate }: SmallGroups & { readonly rate: number },
): Promise<readonly number[]> {
  await using client = await openBusClient(running.amqpUrl)
  const sentAt = new Map<string, number>()
  const tookMs: number[] = []
  const ended = await hearSuccesses(client, count, (id) =>
    tookMs.push(performance.now() - (sentAt.get(id) ?? Number.NaN)),
  )
  await paced(rate, count, (index) => {
    sentAt.set(idOf(name, index), performance.now())
    publishSmall(client, idOf(name, index))
  })
  await ended()
  return tookMs
}

/** Small groups per second from a backlog that is made while the hub is held (SIGSTOP). */
export async function smallThroughput(running: Running, { name, count }: SmallGroups): Promise<number> {
  await using client = await openBusClient(running.amqpUrl)
  const ended = await hearSuccesses(client, count)
  for (const each of running.processes) each.signal('SIGSTOP')
  await publishAll(client, count, (index) => publishSmall(client, idOf(name, index)))
  const startedAt = performance.now()
  for (const each of running.processes) each.signal('SIGCONT')
  await ended()
  return (count / (performance.now() - startedAt)) * 1_000
}

const idOf = (name: string, index: number) => `${name}-${index}`

function publishSmall(client: BusClient, id: string): void {
  client.publish({ type: 'EventGroupCollectorCreate', id, expected: MEMBERS, ttl: SMALL_TTL_S })
  for (const member of MEMBERS)
    client.publish({ type: 'EventGroupCollectorEntityDone', id: member, group: id, result: 1 })
}

/** Hears groups succeed; gives back what waits until so many have. */
async function hearSuccesses(client: BusClient, count: number, each: (id: string) => void = () => undefined) {
  const over = new AbortController()
  let heard = 0
  const { key, body } = catalogue.EventGroupCollectorSuccess
  await client.hear([key], body, ({ id }) => {
    each(id)
    if (++heard === count) over.abort()
  })
  return async () => {
    if (!over.signal.aborted) await afterMs(RUN_MS_MAX, over.signal)
    if (heard < count) throw new Error(`After ${RUN_MS_MAX} ms ${heard} of ${count} groups have succeeded.`)
  }
}
