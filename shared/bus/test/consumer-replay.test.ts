import { describe, expect, test } from 'vitest'
import type { Message, Received } from '../broker.ts'
import { type Subscription, subscribe } from '../consumer.ts'
import { CRASHES_MAX } from '../intake.ts'
import { Unrecoverable } from '../retry.ts'
import {
  eventually,
  finishedBody,
  gated,
  latch,
  listen,
  objectBody,
  pasteInto,
  retryPolicy,
  sites,
  typesOf,
  virtualSite,
} from './bus-fixture.ts'
import { replayed, sidelineOn, task } from './sideline-fixture.ts'

/** Handlers that fail at the first attempts. */
const failingAt = (attempts: number, error: () => Error = () => new Error('not yet')): Subscription['handlers'] => ({
  TASK_CREATED: (_event, { attempt }) => {
    if (attempt <= attempts) throw error()
    return [finishedBody(1)]
  },
})
const work: Subscription = { queue: 'work', retry: retryPolicy({ minMs: 10, retries: 2 }), handlers: failingAt(0) }

/** What was said about messages that came back, such as `REPLAYED handled`. */
const outcomesIn = (heard: readonly Received[]) =>
  heard.flatMap(({ properties, body }) => {
    const { reason, replay } = JSON.parse(body.toString())
    if (!properties.type?.startsWith('MESSAGE_')) return []
    return [
      `${properties.type.slice('MESSAGE_'.length)} ${reason} ${replay ? `${replay.job}/${replay.held}` : 'of none'}`,
    ]
  })

const paths: readonly {
  readonly what: string
  readonly message?: Message
  readonly change?: Partial<Subscription>
  readonly parksAtOnce?: boolean
  readonly outcomes: readonly string[]
}[] = [
  { what: 'is handled', outcomes: ['REPLAYED handled'] },
  { what: 'is ignored', change: { decode: () => undefined }, outcomes: ['REPLAYED ignored'] },
  {
    what: 'fails twice, then is handled',
    change: { handlers: failingAt(2) },
    outcomes: ['FAILING failed', 'FAILING failed', 'REPLAYED handled'],
  },
  {
    what: 'fails twice in the same consumer, then is handled',
    change: { handlers: failingAt(2), retry: retryPolicy({ policy: 'immediate' }) },
    outcomes: ['FAILING failed', 'FAILING failed', 'REPLAYED handled'],
  },
  {
    what: 'fails to the end',
    change: { handlers: failingAt(9) },
    outcomes: ['FAILING failed', 'FAILING failed', 'DEAD exhausted'],
  },
  {
    what: 'cannot succeed',
    change: { handlers: failingAt(1, () => new Unrecoverable('no such object')) },
    outcomes: ['DEAD unrecoverable'],
  },
  {
    what: 'is poison',
    message: { ...replayed(1), body: Buffer.from('hello') },
    outcomes: ['DEAD poison'],
  },
  {
    what: 'has no handler',
    message: {
      ...replayed(1),
      ...pasteInto('work.replay', objectBody(1), { headers: { 'x-ebs-replay': 'job1/held1' } }),
    },
    outcomes: ['DEAD poison'],
  },
  { what: 'matches another rule', parksAtOnce: true, outcomes: ['PARKED their database is down'] },
]

describe('S7: exactly one outcome of a message that came back', () => {
  test.each(paths)('it $what: $outcomes', async ({ message = replayed(1), change, parksAtOnce, outcomes }) => {
    const { site, clock } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const heard = await listen(broker, 'watch')
    const sideline = sidelineOn(broker)
    if (parksAtOnce) await sideline.park([1])
    await subscribe(site.bus(broker, { rules: sideline.rules }), { ...work, ...change })

    await broker.publish(message)
    await clock.advance(2_000)

    expect(outcomesIn(heard)).toEqual(outcomes.map((outcome) => `${outcome} job1/held1`))
    expect(new Set(heard.map(({ properties }) => properties.messageId)).size).toBe(heard.length)
    expect(await broker.inspect('work.replay')).toMatchObject({ messages: 0 })
  })

  test('nothing is said about others', async () => {
    const { site, clock } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const heard = await listen(broker, 'watch')
    await subscribe(site.bus(broker), { ...work, handlers: failingAt(1) })

    await broker.publish(task(1))
    await clock.advance(2_000)
    expect(typesOf(heard)).toEqual(['TASK_FINISHED'])
  })

  test.each(sites)('R6: what crashed its consumers is dead, and its job hears of it, $site', async ({ open }) => {
    await using site = await open()
    const broker = site.connect()
    await broker.publish(replayed(1))
    for (let round = 0; round < CRASHES_MAX; round++) {
      const crashing = site.connect('crashing')
      const met = latch()
      await crashing.consume('work.replay', { prefetch: 1 }, () => met.open())
      await met.opened
      await crashing.close(0)
    }
    const heard = await listen(broker, 'watch')
    await subscribe(site.bus(broker), work)

    await eventually(() => expect(outcomesIn(heard)).toEqual(['DEAD crashed job1/held1']))
  })

  test('D1: it is not acked before its outcome is confirmed', async () => {
    const { site, clock, memory } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const confirm = latch()
    const gate = gated(broker, ({ properties }) =>
      properties.type === 'MESSAGE_REPLAYED' ? confirm.opened : Promise.resolve(),
    )
    await subscribe(site.bus(gate), work)
    await broker.publish(replayed(1))
    await clock.advance(100)
    expect(memory.depth('work.replay')).toBe(1)

    confirm.open()
    await clock.advance(100)
    expect(memory.depth('work.replay')).toBe(0)
  })

  test('R4: news of a death that dies tells nobody, unless a job waits for it', async () => {
    const { site, clock } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const [heard, dead] = [await listen(broker, 'watch'), await listen(broker, 'work.dead')]
    await subscribe(site.bus(broker), work)
    const headers = { 'x-ebs-key': 'messages.dead', 'x-ebs-replay': 'job1/held1' }
    await broker.publish(pasteInto('work.replay', { type: 'MESSAGE_DEAD' }, { headers }))
    await broker.publish(pasteInto('work', { type: 'MESSAGE_DEAD' }, { headers: { 'x-ebs-key': 'messages.dead' } }))
    await clock.advance(100)

    expect(outcomesIn(heard)).toEqual(['DEAD poison job1/held1'])
    expect(dead.map(({ properties }) => typeof properties.headers['x-ebs-held'])).toEqual(['string', 'string'])
  })
})

describe('headers tell of this stay only', () => {
  const stale = {
    'x-ebs-reason': 'sideline',
    'x-ebs-rule': 'old#1',
    'x-ebs-parked-at': '2020-01-01T00:00:00.000Z',
    'x-ebs-held': 'held1',
    'x-ebs-error': 'of an earlier stay',
    'x-ebs-attempts': 9,
    'x-ebs-first-failed-at': '2020-01-01T00:00:00.000Z',
    'x-ebs-released': 'old#1',
  }

  test('of a replayed message that dies: another held id, since when it fails, and nothing of the rule', async () => {
    const { site, clock } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const [heard, dead] = [await listen(broker, 'watch'), await listen(broker, 'work.dead')]
    await subscribe(site.bus(broker), { ...work, handlers: failingAt(9) })
    for (const job of ['job1', 'job2']) await broker.publish(replayed(1, job, stale))
    await clock.advance(2_000)

    const news = heard.filter(({ properties }) => properties.type === 'MESSAGE_DEAD')
    expect(news).toHaveLength(2)
    for (const [i, { properties }] of dead.entries()) {
      expect(properties.headers).toMatchObject({
        'x-ebs-reason': 'exhausted',
        'x-ebs-error': 'not yet',
        'x-ebs-attempts': 3,
        'x-ebs-first-failed-at': '2020-01-01T00:00:00.000Z',
        'x-ebs-released': 'old#1',
        'x-ebs-held': news[i]?.properties.messageId,
      })
      for (const gone of ['x-ebs-rule', 'x-ebs-parked-at', 'x-ebs-replay'])
        expect(properties.headers).not.toHaveProperty(gone)
    }
    expect(new Set(dead.map(({ properties }) => properties.headers['x-ebs-held'])).size).toBe(2)
  })

  test('of one that is set aside: nothing of how it failed', async () => {
    const { site, clock } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const sideline = sidelineOn(broker)
    await sideline.park([1])
    await subscribe(site.bus(broker, { rules: sideline.rules }), work)
    await broker.publish(replayed(1, 'job1', { ...stale, 'x-ebs-reason': 'exhausted' }))
    await clock.advance(100)
    const parked = await listen(broker, 'ebs.sideline.r1.work')
    await clock.advance(100)

    const headers = parked[0]?.properties.headers ?? {}
    expect(headers).toMatchObject({ 'x-ebs-reason': 'sideline', 'x-ebs-rule': 'r1#1', 'x-ebs-released': 'old#1' })
    expect(headers['x-ebs-held']).not.toBe('held1')
    for (const gone of ['x-ebs-error', 'x-ebs-attempts', 'x-ebs-replay']) expect(headers).not.toHaveProperty(gone)
  })

  test('of one that is tried again: the job, and nothing of an earlier stay', async () => {
    const { site, clock } = virtualSite()
    await using _ = site
    const broker = site.connect()
    const loop = await subscribe(site.bus(broker), { ...work, handlers: failingAt(1) })
    await broker.publish(replayed(1, 'job1', stale))
    await clock.advance(0)
    await loop.stop(0)
    const again = await listen(broker, 'work')
    await clock.advance(1_000)

    const headers = again[0]?.properties.headers ?? {}
    expect(headers).toMatchObject({ 'x-ebs-replay': 'job1/held1', 'x-ebs-attempt': 2, 'x-ebs-error': 'not yet' })
    for (const gone of ['x-ebs-reason', 'x-ebs-rule', 'x-ebs-parked-at', 'x-ebs-held'])
      expect(headers).not.toHaveProperty(gone)
  })
})
