import { join } from 'node:path'
import { z } from 'zod'
import type { Broker } from '../../shared/bus/broker.ts'
import { newId } from '../../shared/bus/ids.ts'
import { type OldSystem, type Reply, until } from './old-system.ts'
import type { Accepted } from './recorded.ts'

/**
 * What a release is made to do before it is killed. Only what every version has is used: HTTP, the exchange `ebs`, the environment. Add what
 * later versions can do behind what is here, where they can do it.
 */

/** With these the present version goes on with what was left: the activity `call` is busy at first. */
export const storyEnv = {
  EBS_FLOW_DEADLINE_MS: '55000',
  EBS_FLOW_CALL_TIMEOUT_MS: '15000',
  EBS_MOCK_ACTIVITIES: JSON.stringify({ call: [{ status: 503, error: 'busy' }, { output: { done: true } }] }),
} as const
/** Tasks fail at once and for good. */
const brokenEnv = { EBS_TASK_FAILURE_RATE: '1', EBS_RETRY_PROCESS_CONSUME_POLICY: 'never' }
/** Tasks fail and wait in the ladder. */
const failingEnv = { EBS_TASK_FAILURE_RATE: '1', EBS_RETRY_MIN_MS: '10000' }

export const TASKS_PER_OBJECT = 3
export const RULE = 'acme'
const OUTBOX_TRIES_MAX = 20
const COUNTS = { failed: 2, done: 4, parked: 3, onLadder: 2, queued: 3, split: 2, unsent: 8 } as const
const BY = { actor: 'ann', reason: 'their system is down' }

/** A step whose next attempt is some twenty seconds away. */
const patientCall = {
  ...{ type: 'patient-call', version: 1, deadline: '1h' },
  activities: {
    call: {
      ...{ activity: 'call', timeout: '10s' },
      retry: { retries: 5, initialMs: 25_000, factor: 1, maxMs: 25_000 },
    },
  },
}
/** Registered by the present version: a journey of this type waits for it. */
export const unborn = { ...patientCall, type: 'unborn', activities: { digest: { activity: 'digest' } } }
export const unbornPayload = { content: 'a b c' }

const goods = { items: [{ sku: 'tea', quantity: 2 }], card: '4242', address: 'Main St 1', email: 'ada@example.com' }
const order = (key: string, changed: object = {}) => ({ type: 'order', key, payload: { ...goods, ...changed } })
/** What the person gives who takes the declined card's place. */
export const anotherCard = { amountCents: 1_300, card: '4242' }

/** Runs the story; when it resolves every process has been killed, and what it gives must come out right one day. */
export async function runStory(system: OldSystem, program: string, broker: () => Broker): Promise<Accepted> {
  const story = new Story(system)
  const hubEnv = { ...storyEnv, EBS_DEFINITIONS_DIR: join(program, 'docs', 'examples', 'journeys') }
  for (const name of ['statistics', 'hub', 'distributor', 'datagen', 'gateway'] as const)
    await system.start(name, name === 'hub' ? hubEnv : storyEnv)
  const bus = broker()
  await bus.ready()
  const say = (body: object, key = 'eventbus-collector') =>
    bus.publish({ exchange: 'ebs', key, body: Buffer.from(JSON.stringify(body)), properties: {} })
  const group = async (expected: readonly string[], done: readonly string[], ttl = 3_600) => {
    const id = newId(Date.now())
    await say({ type: 'EventGroupCollectorCreate', id, expected, ttl })
    for (const one of done) await say({ type: 'EventGroupCollectorEntityDone', id: one, group: id, result: one })
    return id
  }
  try {
    // What is over, and what lies dead.
    await system.start('processor', { ...storyEnv, ...brokenEnv })
    await story.objects(COUNTS.failed, 'unlucky')
    await bus.publish({ exchange: 'ebs', key: 'task-requests', body: Buffer.from('no JSON'), properties: {} })
    await story.untilTotals({ objects_failed: COUNTS.failed })
    // Statistics hears everything, and cannot read it either.
    const dead = { 'process_consume.dead': COUNTS.failed * TASKS_PER_OBJECT + 1, 'statistics.dead': 1 }
    for (const [queue, count] of Object.entries(dead))
      await until(`${count} in ${queue}`, async () => (await bus.inspect(queue))?.messages === count || undefined)
    await system.stop('processor')
    await system.start('processor', storyEnv)
    await story.objects(COUNTS.done, 'default')
    const flows = [await story.flow()]
    const groups = [await group(['a', 'b'], ['a', 'b'])]
    await story.untilTotals({ objects_completed: COUNTS.done })
    await story.taken('hub', '/api/definitions', patientCall)

    // What waits: for a person, a type, a rule, another member, its time.
    const journeys = {
      completed: await story.journey(order('done')),
      waitsForPerson: await story.journey(order('declined', { card: 'declined' })),
      waitsForType: await story.journey({ type: 'unborn', key: 'early', payload: unbornPayload }),
    }
    await story.taken('hub', '/api/sidelines', {
      ...{ ...BY, id: RULE, filter: `tenant == "${RULE}"`, queues: ['process_consume'] },
    })
    await story.objects(COUNTS.parked, RULE)
    await story.untilShown(`sidelines/${RULE}`, { parked: COUNTS.parked * TASKS_PER_OBJECT, status: 'active' })
    await story.untilShown(`journeys/${journeys.completed}`, { status: 'COMPLETED' })
    await story.untilShown(`journeys/${journeys.waitsForPerson}`, { status: 'NEEDS_REMEDIATION' })
    await story.untilShown(`flows/${flows[0]}`, { status: 'success' })
    const waitsForTimer = await story.journey({ type: 'patient-call', key: 'later', payload: {} })
    await story.untilShown(`journeys/${waitsForTimer}`, { history: { 1: { what: 'answered' } } })
    const lateGroup = await group(['a', 'b'], ['a'], 15)
    await system.kill('processor')

    // What is under way, each time behind the one who would take it next.
    await system.start('processor', { ...storyEnv, ...failingEnv })
    await story.objects(COUNTS.onLadder, 'default')
    await story.untilEvents({ TASK_FAILED: (COUNTS.failed + COUNTS.onLadder) * TASKS_PER_OBJECT })
    await story.objects(COUNTS.queued, 'default')
    await system.kill('processor')
    await system.kill('statistics')
    flows.push(await story.flow())
    const running = await story.journey(order('running'))
    await story.untilShown(`journeys/${running}`, { status: 'RUNNING' })
    await system.kill('distributor')
    await story.objects(COUNTS.split, 'default')
    groups.push(await group(['a', 'b'], ['a']))
    await story.untilShown(`groups/${groups[1]}`, { status: 'open' })
    await system.kill('hub')
    await bus.publish({
      ...{ exchange: 'ebs', key: 'eventbus-collector', properties: {} },
      body: Buffer.from(
        JSON.stringify({ type: 'EventGroupCollectorEntityDone', id: 'b', group: groups[1], result: 'b' }),
      ),
    })
    groups.push(await group(['a'], ['a']))
    flows.push(await story.flow())
    await system.kill('gateway')
    const unsent = await story.objectsInTheOutbox(COUNTS.unsent)
    const { done, parked, onLadder, queued, split, failed } = COUNTS
    return {
      ...{ objects: done + parked + onLadder + queued + split + unsent, failed, parked: parked * TASKS_PER_OBJECT },
      ...{ flows, groups, lateGroup, rule: RULE, dead },
      journeys: { ...journeys, running, waitsForTimer },
    }
  } finally {
    await bus.close()
  }
}

const counts = z.looseObject({})
const eventList = z.object({ items: z.array(z.object({ type: z.string(), count: z.number() })) })
const identified = z.looseObject({ id: z.string() })

class Story {
  readonly #system: OldSystem

  constructor(system: OldSystem) {
    this.#system = system
  }

  /** Throws when it is not accepted. */
  async taken(service: 'hub' | 'gateway' | 'datagen', path: string, json: unknown): Promise<Reply> {
    const reply = await this.#system.ask(service, path, json)
    if (reply.status >= 300) throw new Error(`${service} answered ${reply.status}: ${JSON.stringify(reply.json)}`)
    return reply
  }

  async objects(count: number, tenant: string): Promise<void> {
    await this.taken('datagen', `/api/objects?count=${count}`, { tenant })
  }

  async flow(): Promise<string> {
    const flowId = newId(Date.now())
    await this.taken('gateway', '/api/flows', { flowId, length: 2 })
    return flowId
  }

  async journey(json: object): Promise<string> {
    return identified.parse((await this.taken('gateway', '/api/journeys', json)).json).id
  }

  /** Kills datagen behind its answer until it dies with rows in its outbox; gives how many objects were accepted on the way. */
  async objectsInTheOutbox(count: number): Promise<number> {
    for (let tries = 1; tries <= OUTBOX_TRIES_MAX; tries++) {
      await this.objects(count, 'default')
      await this.#system.kill('datagen')
      if (this.#system.pendingIn('datagen.db') > 0) return tries * count
      await this.#system.start('datagen', storyEnv)
    }
    throw new Error(`datagen was too quick ${OUTBOX_TRIES_MAX} times: nothing was left in its outbox.`)
  }

  async untilTotals(wanted: Readonly<Record<string, number>>): Promise<void> {
    await until(JSON.stringify(wanted), async () => {
      const seen = counts.parse((await this.#system.ask('statistics', '/api/statistics')).json)
      return matches(seen, wanted) || undefined
    })
  }

  async untilEvents(wanted: Readonly<Record<string, number>>): Promise<void> {
    await until(JSON.stringify(wanted), async () => {
      const { items } = eventList.parse((await this.#system.ask('statistics', '/api/events?limit=1000')).json)
      return matches(Object.fromEntries(items.map(({ type, count }) => [type, count])), wanted) || undefined
    })
  }

  async untilShown(path: string, wanted: object): Promise<void> {
    let seen: Reply = { status: 0, json: undefined }
    await until(`${path} to be as wanted`, async () => {
      seen = await this.#system.ask('hub', `/api/${path}`)
      return matches(seen.json, wanted) || undefined
    }).catch((error: unknown) => {
      throw new Error(`${JSON.stringify(seen.json)} is not ${JSON.stringify(wanted)}`, { cause: error })
    })
  }
}

/** Whether all that is wanted is there, to any depth. */
const matches = (seen: unknown, wanted: unknown): boolean =>
  isObject(wanted)
    ? isObject(seen) && Object.entries(wanted).every(([name, value]) => matches(seen[name], value))
    : seen === wanted

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null
