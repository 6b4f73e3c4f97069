import { describe, expect, test } from 'vitest'
import type { Body } from '../../events.ts'
import { subscribe } from '../consumer.ts'
import type { FailedHandler } from '../failure.ts'
import { Retryable, Unrecoverable } from '../retry.ts'
import {
  delayPlan,
  eventually,
  failing,
  finishedBody,
  listen,
  pasteInto,
  retryPolicy,
  sites,
  startedBody,
  taskBody,
  typesOf,
} from './bus-fixture.ts'

const MINUTE_MS = 60_000
const task = { exchange: 'ebs', key: 'task-requests' }

const taskFailed: FailedHandler = (event, { error, attempt, durationMs, final }): Body[] =>
  event.type === 'TASK_CREATED'
    ? [
        {
          type: 'TASK_FAILED',
          taskId: event.data.task.id,
          objectId: event.data.task.objectId,
          processor: 'p',
          attempt,
          durationMs,
          error,
          final,
        },
      ]
    : []

describe.each(sites)('retry, $site', ({ open }) => {
  test('R2: three trips over the same two rungs, none early, to the queue that failed and no other; then it succeeds', async () => {
    await using site = await open(delayPlan())
    const broker = site.connect()
    const [heard, others] = [await listen(broker, 'watch'), await listen(broker, 'other')]
    const { attempts, handlers } = failing(3)
    const bus = site.bus(broker)
    // On the way from one rung to the next the broker drops what it believes to go in circles.
    await subscribe(bus, { queue: 'work', handlers, retry: retryPolicy({ minMs: 110, maxMs: 110 }) })

    await broker.publish({ ...pasteInto('', taskBody(1)), ...task })
    await eventually(() => expect(typesOf(heard)).toEqual(['TASK_FINISHED']))

    expect(attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4])
    // A turn of Node's timers may round a millisecond off.
    for (const [i, { atMs }] of attempts.slice(1).entries())
      expect(atMs - (attempts[i]?.atMs ?? 0)).toBeGreaterThanOrEqual(109)
    expect(others).toHaveLength(1)
    expect(bus.recorder.lines.filter((line) => line === 'retried work')).toHaveLength(3)
    expect(await broker.inspect('work.dead')).toMatchObject({ messages: 0 })
  })

  test('R2, R4: headers tell the story; after N retries it is once in the dead queue, with one MESSAGE_DEAD', async () => {
    await using site = await open(delayPlan())
    const broker = site.connect()
    const [heard, dead] = [await listen(broker, 'watch'), await listen(broker, 'work.dead')]
    const { attempts, handlers } = failing(99, () => new TypeError('no such thing'))
    const loop = await subscribe(site.bus(broker), {
      queue: 'work',
      handlers,
      retry: retryPolicy({ minMs: 20, retries: 2 }),
      failed: taskFailed,
    })

    const properties = { messageId: 'm1', correlationId: 'talk', headers: { 'x-mine': 'kept', 'x-ebs-tenant': 'acme' } }
    await broker.publish({ ...pasteInto('', taskBody(1), properties), ...task })
    await eventually(() => expect(dead).toHaveLength(1))
    await loop.stop(1_000)
    await eventually(() => expect(heard).toHaveLength(4))

    expect(attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3])
    expect(dead[0]?.properties).toMatchObject({ messageId: 'm1', correlationId: 'talk', type: 'TASK_CREATED' })
    const headers = dead[0]?.properties.headers ?? {}
    expect(headers).toMatchObject({
      'x-mine': 'kept',
      'x-ebs-tenant': 'acme',
      'x-ebs-reason': 'exhausted',
      'x-ebs-error': 'TypeError: no such thing',
      'x-ebs-queue': 'work',
      'x-ebs-key': 'task-requests',
      'x-ebs-attempt': 3,
      'x-ebs-attempts': 3,
    })
    expect(Object.keys(headers).filter((name) => /death|delivery-count/.test(name))).toEqual([])
    const [first, last] = ['x-ebs-first-failed-at', 'x-ebs-last-failed-at'].map((name) =>
      Date.parse(`${headers[name]}`),
    )
    expect((last ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(20 + 40 - 2)

    const bodies = heard.map(({ body }) => JSON.parse(body.toString()))
    const failures = bodies.filter(({ type }) => type === 'TASK_FAILED')
    expect(failures.map(({ attempt, final }) => ({ attempt, final }))).toEqual([
      { attempt: 1, final: false },
      { attempt: 2, final: false },
      { attempt: 3, final: true },
    ])
    expect(bodies.filter(({ type }) => type === 'MESSAGE_DEAD')).toEqual([
      {
        type: 'MESSAGE_DEAD',
        subject: { kind: 'task', id: 't1' },
        queue: 'work',
        messageId: 'm1',
        reason: 'exhausted',
        error: 'TypeError: no such thing',
        attempts: 3,
        deadType: 'TASK_CREATED',
        deadKey: 'task-requests',
        firstFailedAt: headers['x-ebs-first-failed-at'],
      },
    ])
    const news = heard.find(({ properties }) => properties.type === 'MESSAGE_DEAD')
    expect(headers['x-ebs-held']).toBe(news?.properties.messageId)
    expect(new Set(heard.map((message) => message.properties.messageId)).size).toBe(4)
    for (const { properties: sent } of heard) expect(sent.correlationId).toBe('talk')
  })

  test('D3: an event of an attempt has an id per attempt, one of the task has one id', async () => {
    await using site = await open(delayPlan())
    const broker = site.connect()
    const heard = await listen(broker, 'watch')
    let runs = 0
    async function* steps(): AsyncGenerator<Body> {
      yield startedBody(1)
      yield finishedBody(1)
      if (++runs < 3) throw new Error('again')
    }
    await subscribe(site.bus(broker), {
      queue: 'work',
      handlers: { TASK_CREATED: steps },
      retry: retryPolicy({ minMs: 10 }),
    })

    await broker.publish({ ...pasteInto('', taskBody(1)), ...task })
    await eventually(() => expect(heard).toHaveLength(6))

    const idsOf = (type: string) =>
      new Set(heard.filter(({ properties }) => properties.type === type).map(({ properties }) => properties.messageId))
    expect(idsOf('TASK_STARTED').size).toBe(3)
    expect(idsOf('TASK_FINISHED').size).toBe(1)
  })

  test('R3: an unrecoverable error is dead at once; Retryable says when', async () => {
    await using site = await open(delayPlan())
    const broker = site.connect()
    const dead = await listen(broker, 'work.dead')
    const { attempts, handlers } = failing(2, () =>
      attempts.length === 1 ? new Retryable('busy', { retryAfterMs: 30 }) : new Unrecoverable('never'),
    )
    await subscribe(site.bus(broker), { queue: 'work', handlers, retry: retryPolicy({ minMs: MINUTE_MS }) })

    await broker.publish({ ...pasteInto('', taskBody(1)), ...task })
    await eventually(() => expect(dead).toHaveLength(1))

    expect(attempts.map(({ attempt }) => attempt)).toEqual([1, 2])
    expect(dead[0]?.properties.headers).toMatchObject({
      'x-ebs-reason': 'unrecoverable',
      'x-ebs-error': 'Unrecoverable: never',
      'x-ebs-attempts': 2,
    })
  })

  test('R1: immediate: again in the same consumer before anything newer, and each failed attempt is told', async () => {
    await using site = await open()
    const broker = site.connect()
    const heard = await listen(broker, 'watch')
    const handled: string[] = []
    const bus = site.bus(broker)
    const loop = await subscribe(bus, {
      queue: 'work',
      prefetch: 1,
      retry: retryPolicy({ policy: 'immediate' }),
      failed: taskFailed,
      handlers: {
        TASK_CREATED: (event, { attempt }) => {
          handled.push(`${event.data.task.id} attempt ${attempt}`)
          if (event.data.task.id === 't1' && attempt < 4) throw new Error('again')
          return []
        },
      },
    })

    for (const n of [1, 2]) await broker.publish({ ...pasteInto('', taskBody(n)), ...task })
    await eventually(() => expect(handled).toContain('t2 attempt 1'))
    await loop.stop(1_000)
    await eventually(() => expect(heard).toHaveLength(3))

    expect(handled).toEqual(['t1 attempt 1', 't1 attempt 2', 't1 attempt 3', 't1 attempt 4', 't2 attempt 1'])
    expect(bus.recorder.lines.filter((line) => line === 'consumed work')).toHaveLength(2)
    expect(bus.recorder.lines.filter((line) => line === 'retried work')).toHaveLength(3)
    const failures = heard.map(({ body }) => JSON.parse(body.toString()))
    expect(failures.map(({ type, attempt, final }) => ({ type, attempt, final }))).toEqual(
      [1, 2, 3].map((attempt) => ({ type: 'TASK_FAILED', attempt, final: false })),
    )
  })
})
