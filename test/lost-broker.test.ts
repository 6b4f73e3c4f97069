import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { findFreePort } from '../scripts/broker/free-port.ts'
import { createLine, endsOf, paste } from './support/collector.ts'
import { ask } from './support/http.ts'
import { accounts, begin, EXAMPLES, FULFILLED, idIn, order, untilShown } from './support/journeys.ts'
import { startLoad } from './support/load.ts'
import { distinct, type Onlooker, onlooker } from './support/onlooker.ts'
import { hasRabbitmqServer, type PrivateBroker, privateBroker } from './support/private-broker.ts'
import { expectAllDone } from './support/settled.ts'
import { type System, startSystem } from './support/system.ts'
import { testVhost } from './support/vhost.ts'
import { waitUntil } from './support/wait-until.ts'

/** Nobody can confirm anything any more, so there is nothing to wait for. */
const STOP_MS_MAX = 10_000

/** Resolves when 30 more tasks are finished: the system works, or works again. */
async function progress(system: System): Promise<void> {
  const { tasks_finished: before } = await system.statistics()
  await waitUntil(async () => (await system.statistics()).tasks_finished >= before + 30)
}

/** Every rung from 10 ms to 20 s, and some that take several. */
const ttlsS = [0.01, 0.1, 1]
  .flatMap((unit) => Array.from({ length: 9 }, (_, i) => Number(((i + 1) * unit).toFixed(2))))
  .concat([0.12, 1.23, 7.77, 10, 12.34, 20])
const groupOf = (ttl: number) => `ttl ${ttl}`
const count = z.object({ n: z.number() })
const TIMED = "select count(*) as n from conversations where key like '%ttl %'"
const failure = z.object({ id: z.string(), created: z.iso.datetime(), resolved: z.iso.datetime(), error: z.string() })

/** Opens a group of each length, of which nothing comes; resolves when the hub has all of them. */
async function openGroups(system: System): Promise<void> {
  const creates = ttlsS.map((ttl) => createLine(groupOf(ttl), ['a'], { ttl }))
  await system.publishMany(creates.map((body) => ({ key: 'eventbus-collector', body })))
  await waitUntil(async () => expect((await system.hubRows(count, TIMED))[0]?.n).toBe(ttlsS.length))
}

/** Waits until each of these groups has failed, and expects that it failed once, and not before its time. */
async function expectTimedOut(ends: Onlooker): Promise<void> {
  const failures = await waitUntil(async () => {
    const found = distinct(await ends.heard()).filter(({ body }) => String(body.id).startsWith('ttl '))
    expect(found.length).toBeGreaterThanOrEqual(ttlsS.length)
    return found
  })
  expect(failures.map(({ body }) => body.id).sort()).toEqual(ttlsS.map(groupOf).sort())
  for (const { body } of failures) {
    const { id, created, resolved, error } = failure.parse(body)
    const ttl = id.slice('ttl '.length)
    expect(error).toBe(`Operation timed out after ${ttl} seconds`)
    expect(Date.parse(resolved) - Date.parse(created), id).toBeGreaterThanOrEqual(Number(ttl) * 1_000)
  }
}

/** The system as far as objects go: it counts so many groups less, which were opened by hand. */
const withoutGroups = (system: System, groups: number): System => ({
  ...system,
  async events() {
    const { EventGroupCollectorCreate: created = 0, ...others } = await system.events()
    return { ...others, EventGroupCollectorCreate: created - groups }
  },
})

const readiness = async (system: System, name: string) => {
  const answer = await fetch(`${system.process(name).url}/health/ready`)
  return { status: answer.status, json: await answer.json() }
}

const ENDS = ['journeys.completed', 'journeys.failed', 'journeys.needs-remediation']
const JOURNEYS = 30
/** When the broker goes, this many have begun, and not nearly as many are requested yet. */
const BEGUN = 10
/** Above the longest back-off of a connection that is lost, and the retries that are due then. */
const END_MS_MAX = 60_000

const listed = z.object({ items: z.array(z.object({ id: z.string(), status: z.string() })) })
const journeys = async (system: System) =>
  listed.parse((await system.ask('hub', '/api/journeys?limit=1000')).json).items

/** A client that repeats a request, which has a key, until it is taken; gives the id of the journey. */
const insist = (system: System, key: string) =>
  waitUntil(async () => {
    const answer = await system.ask('gateway', '/api/journeys', { json: order(key) })
    expect(answer).toMatchObject({ status: 202 })
    return idIn(answer)
  }, END_MS_MAX)

// A broker in a container of the tests' own comes without its data when it is started again: these need the program.
describe.runIf(hasRabbitmqServer)('with a broker of its own', () => {
  // Virtual hosts are not deleted: they go with the broker.
  let broker: PrivateBroker

  beforeAll(async () => {
    broker = await privateBroker()
    await broker.boot()
  })
  afterAll(async () => {
    await broker[Symbol.asyncDispose]()
  })

  test('D4, H7, H11: the broker killed with SIGKILL under load while timers of every length wait in it, and booted again: nothing is lost, each group fails once, none before its time', async () => {
    const vhost = await testVhost(broker)
    await using system = await startSystem({ vhost })
    const ends = await onlooker(vhost, 'eventbus-collector.*')
    // One round through the ladder first: a broker that is killed in the second in which it declares quorum queues may lose them.
    await paste(system, createLine('first', ['a'], { ttl: 1 }))
    await waitUntil(async () => expect(endsOf(await ends.heard(), 'first')).toHaveLength(1))
    const load = startLoad(system)
    await progress(system)
    await openGroups(system)

    await broker.kill()
    const atDeath = load.accepted
    // Nobody tells datagen to wait: what it accepts lies in its outbox.
    await waitUntil(() => load.accepted >= atDeath + 50)
    await broker.boot()
    await progress(system)
    const objects = await load.stop()

    await expectTimedOut(ends)
    await expectAllDone(withoutGroups(system, ttlsS.length + 1), { objects, withinMs: 60_000 })
    await waitUntil(async () =>
      expect((await system.ask('hub', '/api/status')).json).toMatchObject({ timers: { pending: 0 }, outboxPending: 0 }),
    )
  })

  test('D4, D6: services that are told to stop under load while their broker is away stop in order; started before it they wait for it; one that is short of memory blocks publishing: datagen accepts objects all the time, and nothing is lost', async () => {
    const vhost = await testVhost(broker)
    await using system = await startSystem({ vhost, env: { EBS_TASK_MS_MIN: '200', EBS_TASK_MS_MAX: '400' } })
    await system.createObjects(100)
    await waitUntil(async () =>
      expect(await system.statistics()).toMatchObject({ objects_created: 100, tasks_created: 300 }),
    )
    await waitUntil(async () => (await system.statistics()).tasks_started >= 30)
    await broker.kill()
    await waitUntil(() => system.processes.every(({ output }) => output.includes('lost the broker')))

    const startMs = performance.now()
    const exits = await Promise.all(system.processes.map((one) => one.kill('SIGTERM')))

    expect(exits).toEqual(system.processes.map(() => ({ code: 0, signal: null })))
    expect(performance.now() - startMs).toBeLessThan(STOP_MS_MAX)
    // Who gives up waiting because the broker takes long is waited for again when it is there.
    const restarts = system.processes.map((one) => one.restart().catch(() => undefined))
    await system.process('datagen').running()
    expect(await system.createObjects(20)).toBe(201)
    await waitUntil(async () =>
      expect(await readiness(system, 'datagen')).toMatchObject({
        status: 503,
        json: { checks: { service: 'ok', broker: 'no connection yet' } },
      }),
    )
    expect((await fetch(`${system.process('datagen').url}/health/live`)).status).toBe(200)

    await broker.boot({ 'vm_memory_high_watermark.absolute': '1MB' })
    await Promise.all(restarts)
    await Promise.all(system.processes.map((one) => one.running()))
    await waitUntil(async () =>
      expect(await readiness(system, 'datagen')).toMatchObject({
        status: 503,
        json: { checks: { broker: expect.stringContaining('memory or disk alarm') } },
      }),
    )
    expect(await system.createObjects(20)).toBe(201)
    expect((await system.statistics()).objects_created).toBe(100)

    await broker.kill()
    await broker.boot()
    await expectAllDone(system, { objects: 140 })
    await waitUntil(async () => expect((await readiness(system, 'datagen')).status).toBe(200))
  })

  test('D4: without a broker a gateway starts nothing and says when to come again; killed in the middle of journeys and booted again, each of them ends once, and each effect is there once', async () => {
    const vhost = await testVhost(broker)
    const port = String(await findFreePort())
    await broker.kill()
    await using system = await startSystem({
      services: ['hub', 'gateway', 'processor'],
      vhost,
      env: { EBS_DEFINITIONS_DIR: EXAMPLES, EBS_ACTIVITIES: 'all', EBS_GATEWAY_PORT: port },
      isBrokerAway: true,
    })
    const refused = async (key: string) => {
      const answer = await ask(`http://127.0.0.1:${port}/api/journeys`, { json: order(key) })
      expect(answer).toMatchObject({ status: 503, json: { status: 503, detail: expect.any(String) } })
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    }

    await waitUntil(() => refused('early'))
    await broker.boot()
    await Promise.all(system.processes.map((one) => one.running()))
    const first = await insist(system, 'first')
    await untilShown(system, first, { status: 'COMPLETED' })
    expect(await journeys(system)).toHaveLength(1)

    const ends = await onlooker(vhost, ...ENDS)
    const keys = Array.from({ length: JOURNEYS }, (_, n) => `k${n}`)
    const early = await Promise.all(keys.slice(0, BEGUN).map((key) => begin(system, order(key))))
    const late = Promise.all(keys.slice(BEGUN).map((key) => insist(system, key)))
    await waitUntil(async () => Object.keys(await accounts(system)).length > BEGUN + 1)
    await broker.kill()
    // Otherwise it was not the middle.
    expect((await journeys(system)).some(({ status }) => status === 'RUNNING')).toBe(true)
    await waitUntil(() => system.process('gateway').output.includes('lost the broker'))
    await refused('late')
    await broker.boot()

    const ids = [...early, ...(await late)]
    for (const id of ids) await untilShown(system, id, { status: 'COMPLETED', timers: [] }, END_MS_MAX)
    expect(await accounts(system)).toEqual(Object.fromEntries([first, ...ids].map((id) => [id, FULFILLED])))
    expect((await journeys(system)).map(({ id }) => id).sort()).toEqual([first, ...ids].sort())
    await waitUntil(async () =>
      expect(
        distinct(await ends.heard())
          .map(({ key, body }) => [body.sagaId, key])
          .sort(),
      ).toEqual(ids.map((id) => [id, 'journeys.completed']).sort()),
    )
  })
})
