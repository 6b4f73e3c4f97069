import { describe, expect, test } from 'vitest'
import type { Body } from '../../events.ts'
import { answerQuestions } from '../answer.ts'
import { openAsker } from '../ask.ts'
import { type Message, ReturnedError } from '../broker.ts'
import type { Event } from '../envelope.ts'
import {
  eventually,
  gated,
  latch,
  listen,
  memorySite,
  pasteInto,
  type Site,
  sites,
  virtualSite,
} from './bus-fixture.ts'

const question = (id: string): Body<'CONVERSATION_ASKED'> => ({ type: 'CONVERSATION_ASKED', kind: 'flow', id })
const idOf = (event: Event) => (event.type === 'CONVERSATION_ASKED' ? event.data.id : 'no question')
const told = (event: Event): Body => ({ type: 'CONVERSATION_TOLD', kind: 'flow', id: idOf(event) })
const WITHIN = { withinMs: 5_000 }

type Answer = (event: Event) => Body | undefined | Promise<Body | undefined>
async function answererOn(
  site: Site,
  answer: Answer,
  gate: (message: Message) => Promise<void> = async () => undefined,
) {
  const connection = site.connect('hub')
  const bus = site.bus(gated(connection, gate))
  return { connection, bus, lines: bus.recorder.lines, loop: await answerQuestions(bus, { queue: 'work', answer }) }
}
const askerOn = (site: Site) => openAsker(site.bus(site.connect('gateway')))

describe.each(sites)('answering, $site', ({ open }) => {
  test('a question without a queue of one asker is ignored: nobody makes us write into work queues', async () => {
    await using site = await open()
    const broker = site.connect()
    const other = await listen(broker, 'other')
    const asked: string[] = []
    const { lines, loop } = await answererOn(site, (event) => {
      asked.push(idOf(event))
      return told(event)
    })
    await broker.publish(pasteInto('work', question('none')))
    await broker.publish(pasteInto('work', question('theirs'), { replyTo: 'other' }))
    await broker.publish(pasteInto('work', question('gone'), { replyTo: 'a_reply.gone' }))
    await eventually(() => expect(lines).toContain('processed work CONVERSATION_ASKED'))
    await loop.stop(1_000)

    expect(asked).toEqual(['gone'])
    expect(lines.filter((line) => line === 'ignored work')).toHaveLength(2)
    expect(other).toEqual([])
    await eventually(async () => expect(await broker.inspect('work')).toMatchObject({ messages: 0, consumers: 0 }))
  })

  test('one that fails is not answered and not tried again; the next one is', async () => {
    await using site = await open()
    const asker = await askerOn(site)
    const { lines, loop } = await answererOn(site, (event) => {
      if (idOf(event) === 'bad') throw new TypeError('a bug')
      return idOf(event) === 'none' ? undefined : told(event)
    })

    const [bad, none, good] = await Promise.all([
      asker.ask('work', question('bad'), { withinMs: 1_500 }),
      asker.ask('work', question('none'), { withinMs: 1_500 }),
      asker.ask('work', question('good'), WITHIN),
    ])
    await loop.stop(1_000)

    expect([bad, none]).toEqual([undefined, undefined])
    expect(good).toMatchObject({ data: { id: 'good' }, meta: { causationId: expect.any(String) } })
    expect(lines).toContain('processed work CONVERSATION_ASKED TypeError')
    expect(lines.filter((line) => line === 'consumed work')).toHaveLength(3)
    expect(await site.connect().inspect('work')).toMatchObject({ messages: 0 })
  })

  test('D5: what is no question is dead, once and with its reason', async () => {
    await using site = await open()
    const broker = site.connect()
    const dead = await listen(broker, 'work.dead')
    const { loop } = await answererOn(site, told)
    for (const body of ['not json', '{"type":"NOBODY_KNOWS"}'])
      await broker.publish(pasteInto('work', Buffer.from(body), { replyTo: 'a_reply.b' }))
    await eventually(() => expect(dead).toHaveLength(2))
    await loop.stop(1_000)

    expect(dead.map(({ properties }) => properties.headers['x-ebs-reason'])).toEqual(['poison', 'poison'])
    expect(await broker.inspect('work')).toMatchObject({ messages: 0 })
  })

  test('D6: stop finishes what is in flight and takes nothing more', async () => {
    await using site = await open()
    const asker = await askerOn(site)
    const [begun, free] = [latch(), latch()]
    const { loop } = await answererOn(site, async (event) => {
      begun.open()
      await free.opened
      return told(event)
    })
    const first = asker.ask('work', question('first'), WITHIN)
    await begun.opened
    const stopped = loop.stop(5_000)
    free.open()
    await stopped

    expect(await first).toMatchObject({ data: { id: 'first' } })
    expect(await asker.ask('work', question('second'), { withinMs: 1_500 })).toBeUndefined()
    const broker = site.connect()
    await eventually(async () => expect(await broker.inspect('work')).toMatchObject({ messages: 1, consumers: 0 }))
  })

  test('D6: a question whose answerer ends meanwhile is for the next one', async () => {
    await using site = await open()
    const asker = await askerOn(site)
    const [begun, free] = [latch(), latch()]
    const { connection, loop } = await answererOn(site, async (event) => {
      begun.open()
      await free.opened
      return told(event)
    })
    const asking = asker.ask('work', question('f1'), WITHIN)
    await begun.opened
    await loop.stop(0)
    await connection.close(0)
    free.open()
    await answererOn(site, told)

    expect(await asking).toMatchObject({ data: { id: 'f1' } })
  })
})

test('an answer that the broker refuses is dropped, and does not hold up the others', async () => {
  await using site = memorySite().site
  const asker = await askerOn(site)
  let refusals = 1
  const { lines, loop } = await answererOn(site, told, async () => {
    if (refusals-- > 0) throw new ReturnedError('no')
  })

  expect(await asker.ask('work', question('f1'), { withinMs: 500 })).toBeUndefined()
  expect(await asker.ask('work', question('f2'), WITHIN)).toMatchObject({ data: { id: 'f2' } })
  await loop.stop(1_000)
  expect(lines).toContain('processed work CONVERSATION_ASKED ReturnedError')
})

test('poison whose dead queue is gone is kept, and tried once a second', async () => {
  const { clock, site } = virtualSite()
  await using _ = site
  const broker = site.connect()
  let tries = 0
  const starting = answererOn(site, told, async ({ key }) => {
    if (key === 'work.dead' && tries++ < 3) throw new ReturnedError('the dead queue is gone')
  })
  await clock.advance(0)
  const { loop } = await starting
  const publishing = broker.publish(pasteInto('work', Buffer.from('not json')))
  await clock.advance(2_999)
  await publishing
  expect(tries).toBe(3)
  expect(await broker.inspect('work.dead')).toMatchObject({ messages: 0 })

  await clock.advance(1)
  expect(await broker.inspect('work.dead')).toMatchObject({ messages: 1 })
  await loop.stop(1_000)
})
