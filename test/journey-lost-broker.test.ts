import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { findFreePort } from '../scripts/broker/free-port.ts'
import { ask } from './support/http.ts'
import { accounts, begin, EXAMPLES, FULFILLED, idIn, order, untilShown } from './support/journeys.ts'
import { distinct, onlooker } from './support/onlooker.ts'
import { hasRabbitmqServer, type PrivateBroker, privateBroker } from './support/private-broker.ts'
import { type System, startSystem } from './support/system.ts'
import { testVhost } from './support/vhost.ts'
import { waitUntil } from './support/wait-until.ts'

const services = ['hub', 'gateway', 'processor'] as const
const env = { EBS_DEFINITIONS_DIR: EXAMPLES, EBS_ACTIVITIES: 'all' }
const ENDS = ['journeys.completed', 'journeys.failed', 'journeys.needs-remediation']

const JOURNEYS = 50
/** When the broker goes, this many have begun, and not nearly as many are requested yet. */
const BEGUN = 15
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
  })

// A broker in a container of the tests' own comes without its data when it is started again: these need the program.
describe.runIf(hasRabbitmqServer)('with a broker of its own', () => {
  // Virtual hosts are not deleted: they go with the broker.
  let broker: PrivateBroker

  beforeAll(async () => {
    broker = await privateBroker()
  })
  afterAll(async () => {
    await broker[Symbol.asyncDispose]()
  })

  test('D4: without a broker a gateway starts nothing and says when to come again; when it is back, journeys begin', async () => {
    await broker.boot()
    const vhost = await testVhost(broker)
    const port = String(await findFreePort())
    await broker.kill()
    await using system = await startSystem({
      services,
      vhost,
      env: { ...env, EBS_GATEWAY_PORT: port },
      isBrokerAway: true,
    })
    const request = (key: string) => ask(`http://127.0.0.1:${port}/api/journeys`, { json: order(key) })
    const refused = async (key: string) => {
      const answer = await request(key)
      expect(answer).toMatchObject({ status: 503, json: { status: 503, detail: expect.any(String) } })
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    }

    await waitUntil(() => refused('early'))
    await broker.boot()
    await Promise.all(system.processes.map((one) => one.running()))
    const first = await insist(system, 'first')
    await untilShown(system, first, { status: 'COMPLETED' })
    expect(await journeys(system)).toHaveLength(1)

    await broker.kill()
    await waitUntil(() => system.process('gateway').output.includes('lost the broker'))
    await refused('late')
    await broker.boot()
    const second = await insist(system, 'second')
    await untilShown(system, second, { status: 'COMPLETED' })
    expect((await journeys(system)).map(({ id }) => id).sort()).toEqual([first, second].sort())
  })

  test('D4: the broker killed in the middle of 50 journeys and booted again: each ends once, and each effect is there once', async () => {
    const vhost = await testVhost(broker)
    await using system = await startSystem({ services, vhost, env })
    const ends = await onlooker(vhost, ...ENDS)
    const keys = Array.from({ length: JOURNEYS }, (_, n) => `k${n}`)
    const early = await Promise.all(keys.slice(0, BEGUN).map((key) => begin(system, order(key))))
    const late = Promise.all(keys.slice(BEGUN).map((key) => insist(system, key)))
    await waitUntil(async () => Object.keys(await accounts(system)).length > BEGUN)

    await broker.kill()
    // Otherwise it was not the middle.
    expect((await journeys(system)).some(({ status }) => status === 'RUNNING')).toBe(true)
    await broker.boot()

    const ids = [...early, ...(await late)]
    for (const id of ids) await untilShown(system, id, { status: 'COMPLETED', timers: [] }, END_MS_MAX)
    expect(await accounts(system)).toEqual(Object.fromEntries(ids.map((id) => [id, FULFILLED])))
    expect(await journeys(system)).toHaveLength(JOURNEYS)
    await waitUntil(async () =>
      expect(
        distinct(await ends.heard())
          .map(({ key, body }) => [body.sagaId, key])
          .sort(),
      ).toEqual(ids.map((id) => [id, 'journeys.completed']).sort()),
    )
  })
})
