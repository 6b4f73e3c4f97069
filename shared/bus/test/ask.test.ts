import { describe, expect, test } from 'vitest'
import type { Body } from '../../events.ts'
import { answerQuestions } from '../answer.ts'
import { NobodyThereError, openAsker, TooManyQuestionsError } from '../ask.ts'
import type { Message } from '../broker.ts'
import { answering, publish } from '../bus.ts'
import { type Event, metaOf, toMessage } from '../envelope.ts'
import { newId } from '../ids.ts'
import { Unrecoverable } from '../retry.ts'
import { eventually, finishedBody, gated, listen, memorySite, type Site, sites, virtualSite } from './bus-fixture.ts'

const question = (id: string): Body<'CONVERSATION_ASKED'> => ({ type: 'CONVERSATION_ASKED', kind: 'flow', id })
const told = (event: Event): Body<'CONVERSATION_TOLD'> | undefined =>
  event.type === 'CONVERSATION_ASKED'
    ? { type: 'CONVERSATION_TOLD', kind: 'flow', id: event.data.id, view: { status: 'running' } }
    : undefined
const WITHIN = { withinMs: 5_000 }

async function askerOn(site: Site, gate: (message: Message) => Promise<void> = async () => undefined) {
  const bus = site.bus(gated(site.connect('gateway'), gate), { service: 'gateway' })
  return { bus, asker: await openAsker(bus) }
}
const answererOn = (site: Site) => answerQuestions(site.bus(site.connect('hub')), { queue: 'work', answer: told })

/** An event for someone who waits, sent by somebody else. */
async function tell(site: Site, to: { readonly replyTo: string; readonly correlationId: string }, body: Body) {
  const bus = site.bus(site.connect('teller'))
  const sending = { id: newId(Date.now()), service: 'teller', correlationId: 'theirs', atMs: Date.now() }
  await publish(bus, { ...answering(toMessage(body, sending), to), mandatory: true })
}

describe.each(sites)('asking, $site', ({ open }) => {
  test('each question has its own answer, however many are open, and each asker its own', async () => {
    await using site = await open()
    const [one, other] = [await askerOn(site), await askerOn(site)]
    await answererOn(site)
    const ids = Array.from({ length: 200 }, (_, i) => `f${i}`)
    const answers = await Promise.all(
      ids.map((id, i) => (i % 2 === 0 ? one : other).asker.ask('work', question(id), WITHIN)),
    )

    expect(answers.map((answer) => answer?.data)).toEqual(
      ids.map((id) => ({ type: 'CONVERSATION_TOLD', kind: 'flow', id, view: { status: 'running' } })),
    )
    expect(one.asker.replyTo).toMatch(/^gateway_reply\.[0-9a-f-]{36}$/)
    expect(one.asker.replyTo).not.toBe(other.asker.replyTo)
    expect(one.bus.recorder.lines.filter((line) => line === 'consumed gateway_reply')).toHaveLength(100)
  })

  test('the question names its type, its correlation and where its answer goes', async () => {
    await using site = await open()
    const heard = await listen(site.connect(), 'work')
    const { asker } = await askerOn(site)
    void asker.ask('work', question('f1'), WITHIN)
    await eventually(() => expect(heard).toHaveLength(1))

    expect(heard.map(metaOf)).toMatchObject([{ replyTo: asker.replyTo, attempt: 1 }])
    expect(heard[0]?.properties).toMatchObject({ type: 'CONVERSATION_ASKED', appId: 'gateway' })
    expect(heard[0]?.properties.correlationId).not.toBe(heard[0]?.properties.messageId)
    await asker.stop()
  })

  test('without a queue there is nobody, and the asker learns it at once', async () => {
    await using site = await open()
    const { asker } = await askerOn(site)

    const asking = asker.ask('no_such_queue', question('f1'), { withinMs: 60_000 })

    await expect(asking).rejects.toThrow(NobodyThereError)
    await expect(asking).rejects.toThrow('no_such_queue')
  })

  test('a queue that nobody answers gives nothing, within the time', async () => {
    await using site = await open()
    const { asker } = await askerOn(site)

    expect(await asker.ask('work', question('f1'), { withinMs: 1_500 })).toBeUndefined()
  })

  test('late answers and those that nobody asked for are ignored and counted', async () => {
    await using site = await open()
    const { bus, asker } = await askerOn(site)
    const expected = asker.expect('c1', 5_000)
    await tell(site, { replyTo: asker.replyTo, correlationId: 'unknown' }, finishedBody(1))
    await tell(site, { replyTo: asker.replyTo, correlationId: 'c1' }, finishedBody(2))
    await tell(site, { replyTo: asker.replyTo, correlationId: 'c1' }, finishedBody(3))

    expect(await expected.event).toMatchObject({ type: 'TASK_FINISHED', data: { taskId: 't2' } })
    await eventually(() =>
      expect(bus.recorder.lines.filter((line) => line === 'ignored gateway_reply')).toHaveLength(2),
    )
  })

  test('stopped: asks nobody any more, and its queue is gone; the next one asks', async () => {
    await using site = await open()
    const { asker } = await askerOn(site)
    const refused = expect(asker.ask('work', question('f0'), { withinMs: 60_000 })).rejects.toThrow(NobodyThereError)
    await asker.stop()
    await refused
    const next = await askerOn(site)
    await answererOn(site)

    await expect(asker.ask('work', question('f1'), WITHIN)).rejects.toThrow(NobodyThereError)
    await expect(next.asker.ask(asker.replyTo, question('f1'), WITHIN)).rejects.toThrow(NobodyThereError)
    expect(await next.asker.ask('work', question('f2'), WITHIN)).toMatchObject({ data: { id: 'f2' } })
  })
})

describe('expecting', () => {
  test('all who wait for a correlation id hear its event; others do not', async () => {
    await using site = memorySite().site
    const { asker } = await askerOn(site)
    const [one, two, other] = ['c1', 'c1', 'c2'].map((id) => asker.expect(id, 60_000))
    await tell(site, { replyTo: asker.replyTo, correlationId: 'c1' }, finishedBody(1))

    expect(await one?.event).toMatchObject({ data: { taskId: 't1' } })
    expect(await two?.event).toMatchObject({ data: { taskId: 't1' } })
    other?.cancel()
    expect(await other?.event).toBeUndefined()
  })

  test('whoever is choosy waits for what it wants', async () => {
    await using site = memorySite().site
    const { bus, asker } = await askerOn(site)
    const wants = (taskId: string) => (event: Event) => event.type === 'TASK_FINISHED' && event.data.taskId === taskId
    const [second, third] = [asker.expect('c1', 60_000, wants('t2')), asker.expect('c1', 60_000, wants('t3'))]
    for (const n of [1, 2, 3]) await tell(site, { replyTo: asker.replyTo, correlationId: 'c1' }, finishedBody(n))

    expect(await second.event).toMatchObject({ data: { taskId: 't2' } })
    expect(await third.event).toMatchObject({ data: { taskId: 't3' } })
    expect(bus.recorder.lines.filter((line) => line.startsWith('ignored'))).toHaveLength(1)
  })

  test('what cannot be read answers nothing', async () => {
    await using site = memorySite().site
    const { bus, asker } = await askerOn(site)
    const expected = asker.expect('c1', 60_000)
    const properties = { correlationId: 'c1' }
    await bus.broker.publish({ exchange: '', key: asker.replyTo, body: Buffer.from('not json'), properties })
    await bus.broker.publish({ exchange: '', key: asker.replyTo, body: Buffer.from('{"type":"STRANGE"}'), properties })
    await eventually(() => expect(bus.recorder.lines.filter((line) => line.startsWith('ignored'))).toHaveLength(2))
    await tell(site, { replyTo: asker.replyTo, correlationId: 'c1' }, finishedBody(1))

    expect(await expected.event).toMatchObject({ data: { taskId: 't1' } })
  })

  test('ends at its time and no earlier, by a cancel, or when the asker stops', async () => {
    const { clock, site } = virtualSite()
    await using _ = site
    const opening = askerOn(site)
    await clock.advance(0)
    const { asker } = await opening
    const ends: string[] = []
    const watch = (name: string, withinMs: number) => {
      const expected = asker.expect('c1', withinMs)
      void expected.event.then((event) => ends.push(`${name} ${event}`))
      return expected
    }
    watch('timed', 100)
    const cancelled = watch('cancelled', 1_000)
    watch('stopped', 1_000)

    await clock.advance(99)
    expect(ends).toEqual([])
    await clock.advance(1)
    cancelled.cancel()
    cancelled.cancel()
    await clock.advance(0)
    expect(ends).toEqual(['timed undefined', 'cancelled undefined'])
    await asker.stop()
    await clock.advance(0)
    expect(ends.at(-1)).toBe('stopped undefined')
    expect(await site.connect().inspect(asker.replyTo)).toBeUndefined()
  })

  test('only so many at once; when one has ended there is room for another', async () => {
    await using site = memorySite().site
    const { asker } = await askerOn(site)
    const open = Array.from({ length: 10_000 }, (_, i) => asker.expect(`c${i % 7}`, 60_000))

    expect(() => asker.expect('more', 60_000)).toThrow(TooManyQuestionsError)
    await expect(asker.ask('work', question('f1'), WITHIN)).rejects.toThrow(TooManyQuestionsError)
    open[5]?.cancel()
    open[5]?.cancel()
    asker.expect('more', 60_000)
    expect(() => asker.expect('one more', 60_000)).toThrow(TooManyQuestionsError)
    await asker.stop()
    expect(await Promise.all(open.map(({ event }) => event))).toEqual(open.map(() => undefined))
  })
})

describe('asking a broker that is not well', () => {
  test.each([
    { what: 'away', spoil: 'stop' as const },
    { what: 'full', spoil: 'block' as const },
  ])('$what: says so at once; when it is well again, answers come', async ({ spoil }) => {
    const { memory, site } = memorySite()
    await using _ = site
    const { bus, asker } = await askerOn(site)
    await answererOn(site)
    memory[spoil]()

    await expect(asker.ask('work', question('f1'), { withinMs: 60_000 })).rejects.toThrow(NobodyThereError)

    memory.start()
    memory.unblock()
    await eventually(() => expect(bus.broker.state).toBe('up'))
    expect(await asker.ask('work', question('f2'), WITHIN)).toMatchObject({ data: { id: 'f2' } })
  })

  test('D4: cut: what was asked ends in time, and asking goes on under the same name', async () => {
    const { memory, site } = memorySite()
    await using _ = site
    const { bus, asker } = await askerOn(site)
    // In time is all that can be said: it may be confirmed after the cut, or not.
    const asked = asker.ask('work', question('f1'), { withinMs: 200 }).catch((error: unknown) => error)
    memory.cut('gateway')
    await expect(asker.ask('work', question('f2'), { withinMs: 60_000 })).rejects.toThrow(NobodyThereError)
    const outcome = await asked
    expect(outcome === undefined || outcome instanceof NobodyThereError).toBe(true)
    await eventually(() => expect(bus.broker.state).toBe('up'))
    await answererOn(site)

    expect(await asker.ask('work', question('f3'), WITHIN)).toMatchObject({ data: { id: 'f3' } })
  })

  test('lost with the question on its way: never keeps its asker longer than it was told', async () => {
    await using site = memorySite().site
    const { asker } = await askerOn(site, () => new Promise(() => undefined))

    const asking = asker.ask('work', question('f1'), { withinMs: 50 })

    await expect(asking).rejects.toThrow(NobodyThereError)
    await expect(asking).rejects.toThrow('50 ms')
  })

  test('an answer that is faster than the confirm counts', async () => {
    await using site = memorySite().site
    const broker = site.connect('gateway')
    let confirm = (): void => undefined
    const slow = {
      ...gated(broker, async () => undefined),
      state: 'up' as const,
      saturated: false,
      publish: (message: Message) =>
        new Promise<void>((resolve) => {
          confirm = resolve
          void broker.publish(message)
        }),
    }
    const asker = await openAsker(site.bus(slow))
    await answererOn(site)

    expect(await asker.ask('work', question('f1'), WITHIN)).toMatchObject({ data: { id: 'f1' } })
    confirm()
  })

  test('a question that is too large is the fault of who asks', async () => {
    await using site = memorySite().site
    const { asker } = await askerOn(site)
    const tooLarge = { ...finishedBody(1), result: 'x'.repeat(2_000_000) }

    await expect(asker.ask('work', tooLarge, WITHIN)).rejects.toThrow(Unrecoverable)
  })
})
