import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect } from 'vitest'
import { z } from 'zod'
import type { Headers, Received } from '../../../../shared/bus/broker.ts'
import type { Bus } from '../../../../shared/bus/bus.ts'
import { toMessage } from '../../../../shared/bus/envelope.ts'
import { noRules, noWatcher } from '../../../../shared/bus/rules.ts'
import { brokers, type Rig } from '../../../../shared/bus/test/contract-rig.ts'
import { keepQueues } from '../../../../shared/bus/test/reduced-plans.ts'
import { systemClock } from '../../../../shared/clock.ts'
import type { Body } from '../../../../shared/events.ts'
import { createLog } from '../../../../shared/service/log.ts'
import { silentRecorder } from '../../../../shared/service/recorder.ts'
import type { Held } from '../../../../shared/store/held-messages.ts'
import { SqliteHubStore } from '../../../../shared/store/sqlite-hub-store.ts'
import { controlStream, deadQueueOf, replayQueueOf, topologyPlan } from '../../../../shared/topology.ts'
import { type Job, Mover, type MoverOptions } from '../mover.ts'
import { PlaceLocks } from '../place-locks.ts'

export { brokers }
/** For what any broker does alike. */
export const memory = () => startOf('in-memory')

const QUEUES = {
  process_consume: { hears: ['task-requests'] },
  hub_consume: { hears: ['messages.*', 'tasks.failed'] },
  hub_work: { hears: [] },
}
export const QUEUE = 'process_consume'
const UNUSED = [
  controlStream,
  ...['hub_consume', 'hub_work'].flatMap((name) => [deadQueueOf(name), replayQueueOf(name)]),
]
export const DEAD = deadQueueOf(QUEUE)
export const REPLAY_LANE = replayQueueOf(QUEUE)

export type Site = Awaited<ReturnType<typeof heldSite>>

/** A store and a broker with one work queue; nobody consumes. */
export async function heldSite(start: () => Promise<Rig>) {
  const rig = await start()
  const folder = await mkdtemp(join(tmpdir(), 'ebs-held-'))
  const store = await SqliteHubStore.open({ path: join(folder, 'hub.db') })
  const whole = topologyPlan('quorum', { queues: QUEUES, withLadder: false })
  const plan = keepQueues(whole, (name) => !UNUSED.includes(name))
  const broker = rig.connect({ service: 'hub', plan })
  await broker.ready()
  const log = createLog({ service: 'hub', level: 'silent' })
  const common = { service: 'hub', clock: systemClock, log, recorder: silentRecorder }
  const bus: Bus = { ...common, broker, rules: noRules, outcomes: noWatcher }
  const locks = new PlaceLocks()
  const jobs = new Map<string, Job>()
  const moverOf = (changed: Partial<Pick<MoverOptions, 'bus' | 'store'>> = {}) =>
    new Mover({ bus, store, locks, threads: noThreads, findJob: async (id) => jobs.get(id) ?? RUNNING, ...changed })
  const publishTo = (to: { readonly exchange: string; readonly key: string }, body: Body, headers: Headers = {}) => {
    const id = messageId(body)
    const message = toMessage(body, { id, service: 'test', correlationId: `c-${id}`, atMs: Date.now() })
    const properties = { ...message.properties, headers: { ...message.properties.headers, ...headers } }
    return broker.publish({ ...message, ...to, properties })
  }
  return {
    rig,
    store,
    bus,
    locks,
    jobs,
    moverOf,
    mover: moverOf(),
    publishTo,
    publish: (key: string, body: Body, headers: Headers = {}) => publishTo({ exchange: '', key }, body, headers),
    /** Takes everything out of a queue, in order. */
    drain: (queue: string): Promise<readonly Received[]> =>
      locks.exclusive(queue, async () => {
        const taken: Received[] = []
        const browse = await broker.browse(queue)
        for await (const { message, remove } of browse ?? []) {
          taken.push(message)
          remove()
        }
        await browse?.close()
        return taken
      }),
    depth: async (queue: string) => (await broker.inspect(queue))?.messages,
    depthBecomes: (queue: string, depth: number) =>
      expect.poll(async () => (await broker.inspect(queue))?.messages, { timeout: 10_000 }).toBe(depth),
    archive: () => readArchive(join(folder, 'hub.db')),
    async states() {
      const { items } = await store.held.listHeld({}, { limit: 10_000 })
      return Object.fromEntries(items.map(({ id, state }) => [id, state]))
    },
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]()
      await store.close()
      await rm(folder, { recursive: true })
    },
  }
}

export const noThreads = {
  parked: async () => undefined,
  settled: async () => undefined,
  released: async () => undefined,
}
export const RUNNING: Job = { isRunning: true, actor: 'ann', reason: 'test' }

export const task = (id: string, tenant = 'acme'): Body<'TASK_CREATED'> => ({
  type: 'TASK_CREATED',
  task: { id, objectId: `o-${id}`, index: 1, of: 1, tenant },
  object: { id: `o-${id}`, tenant, name: id, content: '', createdAt: '2026-01-01T00:00:00Z' },
})
const messageId = (body: Body) => (body.type === 'TASK_CREATED' ? `m-${body.task.id}` : 'm')

/** Puts messages into the dead queue, as consumers do, with their rows in the catalogue. */
export async function fillDead(site: Site, ids: readonly string[]): Promise<void> {
  const bury = (id: string) =>
    site.publish(DEAD, task(id), {
      'x-ebs-queue': QUEUE,
      'x-ebs-reason': 'exhausted',
      'x-ebs-error': 'Error: no disk',
      'x-ebs-key': 'task-requests',
      'x-ebs-attempt': 26,
      'x-ebs-held': id,
      'x-ebs-last-failed-at': isoAgo(1_000),
    })
  const [first, ...others] = ids
  // Alone: a quorum queue that was just declared may refuse while it has no leader, and what is sent again comes behind the others.
  if (first !== undefined) await bury(first)
  await Promise.all(others.map(bury))
  await site.store.write(({ held }) => held.addHeld(ids.map((id) => row({ id }))))
  await site.depthBecomes(DEAD, ids.length)
}

/** As consumers write times into headers. */
export const isoAgo = (ms: number) => new Date(Date.now() - ms).toISOString()

export const row = (fields: Partial<Held> & Pick<Held, 'id'>): Held => ({
  place: DEAD,
  queue: QUEUE,
  messageId: `m-${fields.id}`,
  type: 'TASK_CREATED',
  key: 'task-requests',
  tenant: 'acme',
  correlationId: `c-m-${fields.id}`,
  reason: 'exhausted',
  error: 'Error: no disk',
  rule: null,
  attempts: 26,
  fingerprint: 'f',
  firstFailedAtMs: null,
  heldAtMs: Date.now() - 1_000,
  state: 'held',
  job: null,
  changedAtMs: Date.now() - 1_000,
  ...fields,
})

export const idsOf = (messages: readonly Received[]) => messages.map(({ properties }) => properties.messageId)

function startOf(name: string): Promise<Rig> {
  const found = brokers.find(({ broker }) => broker === name)
  if (!found) throw new Error(`There is no broker ${name} to test on.`)
  return found.start()
}

const archived = z.array(
  z.object({ id: z.string(), place: z.string(), actor: z.string(), reason: z.string(), body: z.string() }),
)

/** As somebody with sqlite3 sees it. */
function readArchive(path: string) {
  const database = new Database(path, { readonly: true })
  try {
    const rows = archived.parse(database.prepare('select id, place, actor, reason, body from archive').all())
    return rows.map((one) => ({ ...one, body: JSON.parse(Buffer.from(one.body, 'base64').toString()) }))
  } finally {
    database.close()
  }
}
