import { connect } from 'amqplib'
import { expect } from 'vitest'
import { z } from 'zod'
import { createLine, doneLine, endsOf, FAILURE, fence, paste, SUCCESS } from './support/collector.ts'
import { backAtEnd, guest, standIn } from './support/guests.ts'
import { type Load, startLoad } from './support/load.ts'
import { distinct, onlooker } from './support/onlooker.ts'
import { withOwnCounts } from './support/own-counts.ts'
import { EVERYTHING, NOT_STRAIGHT_TO_QUEUES, NOT_THE_EVENTS, permitWrites } from './support/permissions.ts'
import type { ServiceProcess } from './support/service-process.ts'
import { expectAllDone } from './support/settled.ts'
import { testsOfOneSystem } from './support/shared-system.ts'
import type { System } from './support/system.ts'
import type { TestVhost } from './support/vhost.ts'
import { waitUntil } from './support/wait-until.ts'

/** Statistics, so that nothing waits for those who count. No processor: some stories answer calls themselves, in their own time. */
const test = testsOfOneSystem({
  services: ['hub', 'statistics'],
  env: { EBS_FLOW_CALL_TIMEOUT_MS: '10000', EBS_FLOW_CALL_RETRIES: '0', EBS_FLOW_DEADLINE_MS: '30000' },
})

const KILLS = 3
const OBJECTS_BETWEEN_KILLS_MAX = 20

/** Kills one at a random moment of the load, and starts it again. */
async function killSomewhere(load: Load, hub: ServiceProcess): Promise<void> {
  const killAt = load.accepted + 10 + Math.random() * OBJECTS_BETWEEN_KILLS_MAX
  await waitUntil(() => load.accepted >= killAt)
  await hub.kill()
  await hub.restart()
}

test('D6, H7: one hub, then two hubs on one file, killed three times under load and started again: each object ends exactly once', async ({
  system: shared,
}) => {
  const system = await withOwnCounts(shared)
  const hub = system.process('hub')
  backAtEnd(hub)
  await Promise.all([guest(system, 'datagen'), guest(system, 'distributor'), guest(system, 'processor')])
  const ends = await onlooker(system.vhost, 'objects.completed', 'objects.failed')
  const load = startLoad(system)

  for (let kill = 0; kill < KILLS; kill++) await killSomewhere(load, hub)
  const hubs = [hub, await guest(system, 'hub')]
  for (let kill = 0; kill < KILLS; kill++) await killSomewhere(load, hubs[kill % hubs.length] ?? hub)

  const objects = await load.stop()
  await expectAllDone(system, { objects })
  const heard = distinct(await ends.heard())
  expect(heard).toHaveLength(objects)
  expect(new Set(heard.map(({ body }) => body.objectId)).size).toBe(objects)
})

/** Puts a line straight into the hub's queue. */
async function hand(vhost: TestVhost, ...lines: readonly string[]): Promise<void> {
  const connection = await connect(vhost.url)
  try {
    const channel = await connection.createConfirmChannel()
    for (const line of lines) channel.sendToQueue('hub_consume', Buffer.from(line), { persistent: true })
    await channel.waitForConfirms()
  } finally {
    await connection.close()
  }
}

const status = z.object({
  outboxPending: z.number(),
  timers: z.object({ pending: z.number(), overdue: z.number(), nextDue: z.string().nullable() }),
})
const statusOf = async (system: System, name = 'hub') => status.parse((await system.ask(name, '/api/status')).json)
const shown = async (system: System, id: string) => (await system.ask('hub', `/api/groups/${id}`)).json
const lines = z.object({ what: z.string() })

test.for([
  { who: 'it is started again', id: 'restarted', hasOther: false },
  { who: 'another one takes over', id: 'taken-over', hasOther: true },
])('D1: a hub killed between commit and publish, and $who: the end goes out', async ({ id, hasOther }, { system }) => {
  const hub = system.process('hub')
  backAtEnd(hub)
  // Whoever comes first works.
  const successor = hasOther ? await guest(system, 'hub') : hub
  const { vhost } = system
  const ends = await onlooker(vhost, 'eventbus-collector.*')
  await paste(system, createLine(id, ['a']))
  await waitUntil(async () => expect(await shown(system, id)).toMatchObject({ status: 'open' }))
  await permitWrites(vhost, NOT_THE_EVENTS)
  await vhost.closeConnections('hub_publish')

  await hand(vhost, doneLine(id, 'a'))
  await waitUntil(async () => expect(await shown(system, id)).toMatchObject({ status: 'success' }))
  // The end alone: its wake-up was published before, and leaves the outbox a moment later.
  await waitUntil(async () => expect(await statusOf(system)).toMatchObject({ outboxPending: 1 }))
  await hub.kill()
  expect(endsOf(await ends.heard(), id)).toEqual([])
  await permitWrites(vhost, EVERYTHING)
  if (!hasOther) await hub.restart()

  await waitUntil(async () => expect(endsOf(await ends.heard(), id)).toMatchObject([{ key: SUCCESS }]))
  await waitUntil(async () => expect(await statusOf(system, successor.name)).toMatchObject({ outboxPending: 0 }))
  await waitUntil(async () =>
    expect(await system.hubRows(lines, `select what from history where key = '${id}'`)).toEqual(
      ['opened', 'done', 'success'].map((what) => ({ what })),
    ),
  )
})

test('D1, D3: a hub killed between publish and ack: what it announces again has the same id', async ({ system }) => {
  const { vhost } = system
  const hub = system.process('hub')
  backAtEnd(hub)
  const ends = await onlooker(vhost, 'flows.succeeded', 'flows.failed')
  const ended = async () => distinct(await ends.heard()).filter(({ body }) => body.flowId === 'f')
  const calls = await onlooker(vhost, 'flow-worker')
  const answer = async (callId: string) => {
    await waitUntil(async () => expect((await calls.heard()).at(-1)).toMatchObject({ body: { callId } }))
    await system.publish({ key: 'flows.answered', body: { type: 'FLOW_CALL_ANSWERED', callId, status: 200 } })
  }
  const request = { type: 'FLOW_REQUESTED', flowId: 'f', length: 1 }
  await system.publish({ key: 'flows.requested', body: request, properties: { reply_to: 'test_reply.1' } })
  await answer('f.1')
  await permitWrites(vhost, NOT_STRAIGHT_TO_QUEUES)
  await vhost.closeConnections('hub_publish')

  // The reply goes out, its copy for whoever waits does not: nothing is acked.
  await answer('f.2')
  await waitUntil(async () => expect(await ended()).not.toEqual([]))
  expect((await statusOf(system)).outboxPending).toBeGreaterThan(0)
  await hub.kill()
  await permitWrites(vhost, EVERYTHING)
  await hub.restart()

  await waitUntil(async () =>
    expect(await statusOf(system)).toMatchObject({ outboxPending: 0, timers: { pending: 0 } }),
  )
  await waitUntil(async () => expect(await duplicatesOf(system)).toBeGreaterThanOrEqual(1))
  expect(await ended()).toMatchObject([{ key: 'flows.succeeded' }])
  expect(await system.hubRows(lines, "select what from history where key = 'f' and what = 'ended'")).toHaveLength(1)
})

/** Deliveries that the hub had handled before. */
async function duplicatesOf(system: System): Promise<number> {
  const text = await (await fetch(`${system.process('hub').url}/metrics`)).text()
  return Number(/^ebs_messages_duplicate_total\{queue="hub_consume"\} (\d+)/m.exec(text)?.[1] ?? 0)
}

const GROUPS = 1_000
const TTL_S = 3
const AT_ONCE_MS_MAX = 10_000

test('G9, H7: a hub killed with 1,000 timers pending and down past their due time: 1,000 Failures, each once, at once', async ({
  system,
}) => {
  const { vhost } = system
  const hub = system.process('hub')
  backAtEnd(hub)
  const ends = await onlooker(vhost, 'eventbus-collector.*')
  const ended = async () => distinct(await ends.heard()).filter(({ body }) => /^due-/.test(String(body.id)))
  await hub.kill()
  // They wait in the queue, so that all are opened at the same time.
  const creates = Array.from({ length: GROUPS }, (_, i) => createLine(`due-${i}`, ['a', 'b'], { ttl: TTL_S }))
  await system.publishMany(creates.map((body) => ({ key: 'eventbus-collector', body })))
  await hub.restart()
  await waitUntil(async () => expect(await pendingOf(system)).toMatchObject({ count: GROUPS }))
  await hub.kill()
  expect(await ended()).toEqual([])
  const { last } = await pendingOf(system)
  await waitUntil(() => Date.now() > Date.parse(last ?? ''))

  const backAtMs = Date.now()
  await hub.restart()

  await waitUntil(async () => expect((await ended()).length).toBeGreaterThanOrEqual(GROUPS))
  await fence(system, ends, 'behind-the-due')
  const failures = (await ended()).filter(({ key }) => key === FAILURE)
  expect(failures).toHaveLength(GROUPS)
  expect(new Set(failures.map(({ body }) => body.id)).size).toBe(GROUPS)
  const error = `Operation timed out after ${TTL_S} seconds`
  for (const { body } of failures) {
    expect(body).toMatchObject({ error, entity: body.id, results: {} })
    expect(Date.parse(String(body.resolved)) - backAtMs).toBeLessThan(AT_ONCE_MS_MAX)
  }
  expect(await pendingOf(system)).toMatchObject({ count: 0 })
})

const pending = z.object({ count: z.number(), last: z.iso.datetime().nullable() })
/** Timers of these groups, and when the last of them is due. */
async function pendingOf(system: System) {
  const rows = await system.hubRows(
    pending,
    "select count(*) as count, max(due_at) as last from timers where key like 'due-%'",
  )
  return rows[0] ?? { count: 0, last: null }
}

const flow = z.looseObject({
  status: z.string(),
  deadline: z.iso.datetime(),
  calls: z.array(z.object({ attempt: z.number(), attempts: z.array(z.object({ answered: z.boolean() })) })),
})

test('H7: a worker killed in the middle of a call: another one ends the flow well, and without one it ends badly in time', async ({
  system,
}) => {
  const env = {
    // Longer than a processor takes to be there again on a busy machine.
    EBS_FLOW_CALL_TIMEOUT_MS: '4500',
    EBS_FLOW_CALL_RETRIES: '1',
    EBS_FLOW_DEADLINE_MS: '15000',
    // Longer than it takes on such a machine until it is seen to be at work, and killed.
    EBS_FLOW_BACKEND_MS_MIN: '1500',
    EBS_FLOW_BACKEND_MS_MAX: '1500',
  }
  await standIn(system, 'hub', env)
  const [processor, { name: gateway }] = [await guest(system, 'processor', env), await guest(system, 'gateway', env)]
  const backend = await onlooker(system.vhost, 'flow-backend')
  const ends = await onlooker(system.vhost, 'flows.succeeded', 'flows.failed')
  const begin = async (flowId: string) => {
    const answer = system.ask(gateway, '/api/flows', { json: { flowId, length: 1 }, headers: { prefer: 'wait=15' } })
    // The backend is at it, and takes its time.
    await waitUntil(async () => (await backend.heard()).some(({ body }) => body.flowId === flowId))
    await processor.kill()
    return { answer }
  }

  const first = await begin('continued')
  await processor.restart()
  expect(await first.answer).toMatchObject({ status: 200 })

  const second = await begin('abandoned')
  expect(await second.answer).toMatchObject({ status: 502, json: { kind: 'worker-error', callId: 'abandoned.1' } })
  const { calls, deadline } = flow.parse((await system.ask(gateway, '/api/flows/abandoned')).json)
  expect(Date.now()).toBeLessThan(Date.parse(deadline))
  expect(calls).toMatchObject([{ attempt: 2, attempts: [{ answered: false }, { answered: false }] }])
  const told = async () =>
    distinct(await ends.heard()).flatMap(({ key, body: { flowId } }) =>
      flowId === 'continued' || flowId === 'abandoned' ? [[flowId, key]] : [],
    )
  await waitUntil(async () =>
    expect(await told()).toEqual([
      ['continued', 'flows.succeeded'],
      ['abandoned', 'flows.failed'],
    ]),
  )
})
