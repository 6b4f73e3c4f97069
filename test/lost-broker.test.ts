import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createLine, endsOf, paste } from './support/collector.ts'
import { startLoad } from './support/load.ts'
import { distinct, onlooker } from './support/onlooker.ts'
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
const count = z.object({ n: z.number() })
const failure = z.object({ id: z.string(), created: z.iso.datetime(), resolved: z.iso.datetime(), error: z.string() })

const readiness = async (system: System, name: string) => {
  const answer = await fetch(`${system.process(name).url}/health/ready`)
  return { status: answer.status, json: await answer.json() }
}

test('D4: all connections closed through the management API, three times under load', async () => {
  await using system = await startSystem()
  const load = startLoad(system)
  for (let round = 1; round <= 3; round++) {
    await progress(system)
    await system.vhost.closeConnections()
  }
  await progress(system)

  await expectAllDone(system, { objects: await load.stop() })
  for (const { output, name } of system.processes) expect(output, name).toContain('lost the broker; connecting again')
})

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

  test('D4: the broker killed with SIGKILL under load and booted again', async () => {
    const vhost = await testVhost(broker)
    await using system = await startSystem({ vhost })
    const load = startLoad(system)
    await progress(system)

    await broker.kill()
    const atDeath = load.accepted
    // Nobody tells datagen to wait: what it accepts lies in its outbox.
    await waitUntil(() => load.accepted >= atDeath + 50)
    await broker.boot()
    await progress(system)

    await expectAllDone(system, { objects: await load.stop(), withinMs: 60_000 })
  })

  test('D6: services that are told to stop under load while their broker is away stop in order, and lose nothing', async () => {
    const vhost = await testVhost(broker)
    await using system = await startSystem({ vhost, env: { EBS_TASK_MS_MAX: '200' } })
    await system.createObjects(100)
    await waitUntil(async () => (await system.statistics()).tasks_started >= 30)
    await broker.kill()
    await waitUntil(() => system.processes.every(({ output }) => output.includes('lost the broker')))

    const startMs = performance.now()
    const exits = await Promise.all(system.processes.map((one) => one.kill('SIGTERM')))

    expect(exits).toEqual(system.processes.map(() => ({ code: 0, signal: null })))
    expect(performance.now() - startMs).toBeLessThan(STOP_MS_MAX)
    await broker.boot()
    await Promise.all(system.processes.map((one) => one.restart()))
    await expectAllDone(system, { objects: 100 })
  })

  test('D4: services that are started before the broker wait for it; datagen accepts objects meanwhile', async () => {
    const vhost = await testVhost(broker)
    await broker.kill()
    await using system = await startSystem({ vhost, isBrokerAway: true })
    await system.process('datagen').running()

    expect(await system.createObjects(20)).toBe(201)
    expect(await readiness(system, 'datagen')).toMatchObject({
      status: 503,
      json: { checks: { service: 'ok', broker: 'no connection yet' } },
    })
    expect((await fetch(`${system.process('datagen').url}/health/live`)).status).toBe(200)

    await broker.boot()
    await Promise.all(system.processes.map((one) => one.running()))
    await expectAllDone(system, { objects: 20 })
    await waitUntil(async () => expect((await readiness(system, 'datagen')).status).toBe(200))
  })

  test('D4: a broker that is short of memory blocks publishing; what datagen accepts goes out when it is over', async () => {
    const vhost = await testVhost(broker)
    await using system = await startSystem({ vhost })
    await system.createObjects(10)
    await expectAllDone(system, { objects: 10 })
    await broker.kill()
    await broker.boot({ 'vm_memory_high_watermark.absolute': '1MB' })

    expect(await system.createObjects(20)).toBe(201)
    await waitUntil(async () =>
      expect(await readiness(system, 'datagen')).toMatchObject({
        status: 503,
        json: { checks: { broker: expect.stringContaining('memory or disk alarm') } },
      }),
    )
    expect(await system.createObjects(20)).toBe(201)
    expect((await system.statistics()).objects_created).toBe(10)

    await broker.kill()
    await broker.boot()
    await expectAllDone(system, { objects: 50 })
  })

  test('H7, H11: the broker killed while timers of every length wait in it: each group fails once, none before its time', async () => {
    const vhost = await testVhost(broker)
    await using system = await startSystem({ vhost, services: ['hub'] })
    const ends = await onlooker(vhost, 'eventbus-collector.*')
    // One round through the ladder first: a broker that is killed in the second in which it declares quorum queues may lose them.
    await paste(system, createLine('first', ['a'], { ttl: 1 }))
    await waitUntil(async () => expect(endsOf(await ends.heard(), 'first')).toHaveLength(1))
    const creates = ttlsS.map((ttl) => createLine(`ttl ${ttl}`, ['a'], { ttl }))
    await system.publishMany(creates.map((body) => ({ key: 'eventbus-collector', body })))
    await waitUntil(async () =>
      expect((await system.hubRows(count, 'select count(*) as n from conversations'))[0]?.n).toBe(ttlsS.length + 1),
    )

    await broker.kill()
    await broker.boot()

    const failures = await waitUntil(async () => {
      const found = distinct(await ends.heard()).filter(({ body }) => body.id !== 'first')
      expect(found).toHaveLength(ttlsS.length)
      return found
    })
    expect(failures.map(({ body }) => body.id).sort()).toEqual(ttlsS.map((ttl) => `ttl ${ttl}`).sort())
    for (const { body } of failures) {
      const { id, created, resolved, error } = failure.parse(body)
      expect(error).toBe(`Operation timed out after ${id.slice('ttl '.length)} seconds`)
      expect(Date.parse(resolved) - Date.parse(created), id).toBeGreaterThanOrEqual(
        Number(id.slice('ttl '.length)) * 1_000,
      )
    }
    await waitUntil(async () =>
      expect((await system.ask('hub', '/api/status')).json).toMatchObject({ timers: { pending: 0 }, outboxPending: 0 }),
    )
  })
})
