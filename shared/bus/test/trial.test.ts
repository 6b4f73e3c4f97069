import { describe, expect, test } from 'vitest'
import type { Headers } from '../broker.ts'
import { SAMPLE_BYTES_MAX, SAMPLE_MAX, Sample, tryFilter } from '../trial.ts'
import { eventually, startedBody, virtualSite } from './bus-fixture.ts'
import { bookOn, controlLog, judgedOf, member, record, ruleOf, say, taskOf } from './rule-fixture.ts'

const idsIn = (sample: Sample, count: number) => sample.last(count).map(({ event }) => event.meta.id)
const fill = (sample: Sample, from: number, to: number) => {
  for (let n = from; n <= to; n++) {
    const { event, message } = taskOf(n)
    sample.add(event, message)
  }
}

describe('the sample of a queue', () => {
  test.each([
    { added: 0, asked: 10, ids: [] },
    { added: 1, asked: 10, ids: ['m1'] },
    { added: 3, asked: 2, ids: ['m3', 'm2'] },
    { added: SAMPLE_MAX, asked: 2, ids: ['m500', 'm499'] },
    { added: SAMPLE_MAX + 2, asked: 3, ids: ['m502', 'm501', 'm500'] },
  ])('of $added messages shows $asked at most, the newest first', ({ added, asked, ids }) => {
    const sample = new Sample()

    fill(sample, 1, added)

    expect(idsIn(sample, asked)).toEqual(ids)
    expect(sample.size).toBe(Math.min(added, SAMPLE_MAX))
  })

  test('keeps the last 500', () => {
    const sample = new Sample()

    fill(sample, 1, 3 * SAMPLE_MAX + 7)

    expect(idsIn(sample, 10_000)).toHaveLength(SAMPLE_MAX)
    expect(idsIn(sample, 10_000).at(-1)).toBe(`m${2 * SAMPLE_MAX + 8}`)
  })

  test('keeps fewer of large ones, and at least one', () => {
    const sample = new Sample()
    const large = { body: Buffer.alloc(SAMPLE_BYTES_MAX / 4), properties: { headers: {} } }
    fill(sample, 1, 100)

    for (let n = 101; n <= 110; n++) sample.add(taskOf(n).event, large)
    expect(idsIn(sample, 500)).toEqual(['m110', 'm109', 'm108', 'm107'])

    sample.add(taskOf(111).event, { ...large, body: Buffer.alloc(SAMPLE_BYTES_MAX + 1) })
    expect(idsIn(sample, 500)).toEqual(['m111'])
    fill(sample, 112, 113)
    expect(idsIn(sample, 500)).toEqual(['m113', 'm112'])
  })
})

test('a filter that takes long is tried in slices, and everything else has its turn', async () => {
  const sample = new Sample()
  fill(sample, 1, 20)
  let hadItsTurn = false
  setImmediate(() => {
    hadItsTurn = true
  })
  let before = 0
  const test = () => {
    if (!hadItsTurn) before++
    spin(1)
    return 'no' as const
  }

  const tried = await tryFilter({ text: '', touches: new Set(), guards: [], test }, 'work', sample.last(20))

  expect(tried).toEqual({ sampled: 20, matched: 0, unclear: 0, examples: [] })
  expect(before).toBeLessThan(20)
})

/** Work that takes so long. */
function spin(ms: number): void {
  const untilMs = performance.now() + ms
  while (performance.now() < untilMs);
}

describe('dry runs', () => {
  async function opened() {
    const { clock, site, memory } = virtualSite()
    const broker = site.connect()
    const bus = site.bus(broker)
    const log = await controlLog(broker)
    const book = bookOn(bus)
    await book.loaded()
    const ask = (change: object = {}, headers: Headers = { 'x-ebs-at': clock.now() }) =>
      record(
        broker,
        {
          type: 'SIDELINE_TRIAL',
          trial: 't1',
          filter: 'event.task.id == "t2" || tenant == "x"',
          queues: ['work'],
          sample: 100,
          ...change,
        },
        { type: 'SIDELINE_TRIAL', headers },
      )
    return { clock, site, memory, log, book, ask, broker }
  }

  test('each consumer of the queues answers, and messages are counted once', async () => {
    const { site, log, book, ask } = await opened()
    await using _ = site
    for (const one of [member('c1'), member('c2'), member('c3', 'other')]) book.join(one)
    const nobody = judgedOf(startedBody(4), { tenant: null })
    for (const { event, message } of [taskOf(1), taskOf(2), taskOf(3, { tenant: 'x' }), nobody])
      book.judge('work', event, message)
    book.judge('other', taskOf(2).event, taskOf(2).message)

    await ask()

    await eventually(() => expect(log.tried()).toHaveLength(2))
    expect(log.tried()).toEqual([
      {
        type: 'SIDELINE_TRIED',
        trial: 't1',
        queue: 'work',
        consumer: 'c1',
        sampled: 4,
        matched: 2,
        unclear: 1,
        examples: ['m3', 'm2'],
      },
      {
        type: 'SIDELINE_TRIED',
        trial: 't1',
        queue: 'work',
        consumer: 'c2',
        sampled: 0,
        matched: 0,
        unclear: 0,
        examples: [],
      },
    ])
  })

  test('looks at no more than it is asked to, and names ten examples at most', async () => {
    const { site, log, book, ask } = await opened()
    await using _ = site
    book.join(member('c1'))
    for (let n = 1; n <= 30; n++) book.judge('work', taskOf(n).event, taskOf(n).message)

    await ask({ filter: 'event.task.index == 1', sample: 20 })
    await eventually(() => expect(log.tried()).toHaveLength(1))

    expect(log.tried()[0]).toMatchObject({ sampled: 20, matched: 20 })
    expect(log.tried()[0]?.examples).toEqual(['m30', 'm29', 'm28', 'm27', 'm26', 'm25', 'm24', 'm23', 'm22', 'm21'])
  })

  test('counts what is set aside, too, and what is held once', async () => {
    const { site, log, book, ask, broker } = await opened()
    await using _ = site
    book.join(member('c1'))
    await say(broker, ruleOf({ revision: 1, phase: 'hold' }))
    await eventually(() => expect(book.inForce()).toHaveLength(1))
    const { event, message } = taskOf(2)

    for (let n = 0; n < 3; n++) expect(book.judge('work', event, message).kind).toBe('hold')
    await say(broker, ruleOf({ revision: 2 }))
    await eventually(() => expect(book.judge('work', event, message).kind).toBe('park'))
    await ask()

    await eventually(() => expect(log.tried()).toMatchObject([{ sampled: 1, matched: 1 }]))
  })

  test.each<{ what: string; headers: (nowMs: number) => Headers }>([
    { what: 'is too old', headers: (nowMs) => ({ 'x-ebs-at': nowMs - 30_001 }) },
    { what: 'does not say when it was asked', headers: () => ({}) },
  ])('one that $what is not answered', async ({ headers }) => {
    const { site, clock, log, book, ask } = await opened()
    await using _ = site
    book.join(member('c1'))

    await ask({ trial: 'ignored' }, headers(clock.now()))
    await ask({ trial: 'asked' })
    await eventually(() => expect(log.tried()).not.toEqual([]))

    expect(log.tried().map(({ trial }) => trial)).toEqual(['asked'])
  })

  test('one that is read again is not answered again', async () => {
    const { site, clock, book, memory, ask, broker } = await opened()
    await using _ = site
    book.join(member('c1'))
    await ask()
    await clock.advance(100)

    memory.restart()
    await clock.advance(3_000)
    await ask({ trial: 't2' })
    await clock.advance(100)

    const log = await controlLog(broker)
    expect(log.tried().map(({ trial }) => trial)).toEqual(['t1', 't2'])
  })

  test('one whose filter does not compile harms nobody', async () => {
    const { site, clock, log, book, ask } = await opened()
    await using _ = site
    book.join(member('c1'))

    await ask({ trial: 'bad', filter: 'tenant =' })
    await ask({ trial: 'good' })
    await clock.advance(100)

    expect(log.tried().map(({ trial }) => trial)).toEqual(['good'])
  })
})
