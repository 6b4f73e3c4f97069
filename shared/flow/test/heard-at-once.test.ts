import { expect, test } from 'vitest'
import { z } from 'zod'
import { toMessage } from '../../bus/envelope.ts'
import { type Body, catalogue } from '../../events.ts'
import { anyKind } from '../any-kind.ts'
import { type Decision, ignore, type Kind } from '../decision.ts'
import { replayKind } from '../replay.ts'
import { readBack } from '../sent-messages.ts'
import { RULES_MAX, TOO_MANY_RULES } from '../sideline-record.ts'
import { type Rig, send, startKernel } from './kernel-fixture.ts'
import { commandOf, PROCESS, testSidelineKind } from './sideline-run.ts'

const kinds = [anyKind(testSidelineKind), anyKind(replayKind)]
const RULE = { kind: 'sideline', key: 'acme' }

const stateOf = async (rig: Rig) => testSidelineKind.state.parse(JSON.parse((await rule(rig))?.state ?? ''))
const rule = (rig: Rig) => rig.store.reader.findConversation(RULE)
const jobs = async (rig: Rig) => (await rig.store.reader.listConversations({ kind: 'replay' }, { limit: 10 })).items
const typesSent = (rig: Rig, key: string) =>
  rig.sent.filter((message) => message.key === key).map(({ properties }) => properties.type)

/** A rule that resumes, with a job for 5 messages that has begun. */
async function resuming() {
  const rig = await startKernel({ kinds })
  await send(rig, commandOf('start'))
  await rig.clock.advance(50)
  const { revision } = await stateOf(rig)
  await send(rig, { type: 'SIDELINE_SETTLED', id: 'acme', revision, confirmed: 1, missing: [] })
  await send(rig, commandOf('resume'))
  await rig.clock.advance(50)
  const parked = [{ queue: PROCESS, count: 5 }]
  await send(rig, { type: 'SIDELINE_MEASURED', id: 'acme', revision, parked, removed: false })
  await rig.clock.advance(50)
  return rig
}

test('a rule asks for its job, and hears of its end, in the transaction: none of it waits in the queue', async () => {
  await using rig = await resuming()
  const [job] = await jobs(rig)
  expect(job?.status).toBe('running')

  await send(rig, commandOf('discard'))
  await rig.clock.advance(50)

  expect((await jobs(rig)).map(({ status }) => status)).toEqual(['cancelled'])
  // It was over at once, and the rule has gone on.
  expect((await stateOf(rig)).wait).toMatchObject({ for: 'settle' })
  const states = (await rig.store.reader.historyOf(RULE, 100)).map(({ what }) => what)
  expect(states.filter((what) => what === 'replay cancelled')).toHaveLength(1)
  expect(new Set(typesSent(rig, 'hub_consume'))).toEqual(new Set([]))
  // Whoever watches hears of it once.
  expect(rig.said('REPLAY_ENDED')).toHaveLength(1)
})

const count = z.object({ heard: z.number() })

/** A kind that says to another of its kind what is left of `total`, one fewer each time; 99 is refused. */
const chain: Kind<z.infer<typeof count>> = {
  name: 'replay',
  state: count,
  keyOf: ({ data }) => (data.type === 'REPLAY_REQUESTED' ? data.id : undefined),
  view: (state) => state,
  decide(state, input): Decision<z.infer<typeof count>> {
    if (!('event' in input) || input.event.data.type !== 'REPLAY_REQUESTED') return ignore('unknown')
    const left = input.event.data.sources[0]?.count ?? 0
    if (left === 99) return { kind: 'refuse', reason: 'one too many' }
    const sent = left === 0 ? [] : [{ body: requested(left === 50 ? 99 : left - 1), queue: 'hub_consume' }]
    const heard = (state?.heard ?? 0) + 1
    const told = { status: 'open', ended: false, timers: [], history: [] }
    return { kind: 'change', state: { heard }, sent, ...told }
  },
}

const requested = (left: number): Body<'REPLAY_REQUESTED'> => ({
  ...{ type: 'REPLAY_REQUESTED', id: `left-${left}`, act: 'replay', which: 'front', actor: 'ann', reason: 'test' },
  sources: [{ from: 'a.dead', count: left }],
})

const ask = (rig: Rig, left: number) =>
  rig.watcher.publish({
    ...{ exchange: '', key: 'hub_consume', body: Buffer.from(JSON.stringify(requested(left))) },
    properties: { type: 'REPLAY_REQUESTED', messageId: `asked-${left}`, correlationId: 'c' },
  })

test('a chain that does not end goes on over the bus, so that others have their turn; each link is heard once', async () => {
  await using rig = await startKernel({ kinds: [anyKind(chain)] })

  await ask(rig, 25)
  await rig.clock.advance(200)

  const heard = await Promise.all(
    Array.from({ length: 26 }, (_, n) => rig.store.reader.findConversation({ kind: 'replay', key: `left-${n}` })),
  )
  expect(heard.map((one) => JSON.parse(one?.state ?? '{}'))).toEqual(heard.map(() => ({ heard: 1 })))
  // Every eleventh.
  expect(typesSent(rig, 'hub_consume')).toHaveLength(2)
})

test('what is refused when it is heard at once is a dead letter that says why', async () => {
  await using rig = await startKernel({ kinds: [anyKind(chain)] })

  await ask(rig, 50)
  await rig.clock.advance(200)

  expect(rig.said('MESSAGE_DEAD').map((text) => catalogue.MESSAGE_DEAD.body.parse(JSON.parse(text)))).toEqual([
    expect.objectContaining({ error: expect.stringContaining('one too many') }),
  ])
  expect(await rig.store.reader.findConversation({ kind: 'replay', key: 'left-50' })).toMatchObject({ version: 1 })
  expect(await rig.store.reader.findConversation({ kind: 'replay', key: 'left-99' })).toBeUndefined()
})

const start = (rig: Rig, n: number) => send(rig, commandOf('start', { id: `r${n}`, filter: `tenant == "t${n}"` }))
const open = async (rig: Rig) => (await rig.store.reader.countOpen()).map(({ count }) => count)
const refused = (rig: Rig) =>
  rig.said('MESSAGE_DEAD').map((text) => catalogue.MESSAGE_DEAD.body.parse(JSON.parse(text)).error)

test('more rules than there may be are refused, also when they come by the bus and in one batch', async () => {
  await using rig = await startKernel({ kinds })

  for (let n = 0; n < RULES_MAX + 3; n++) await start(rig, n)
  // The same again is no other rule.
  await start(rig, 0)
  await rig.clock.advance(1_000)

  expect(await open(rig)).toEqual([RULES_MAX])
  expect(refused(rig)).toEqual(Array.from({ length: 3 }, () => expect.stringContaining(TOO_MANY_RULES)))
  expect(typesSent(rig, 'ebs.control')).toHaveLength(RULES_MAX)
})

/** Has a rule of which nothing is parked discarded, up to the word that its queues are gone. */
async function removing(rig: Rig, id: string): Promise<Body> {
  const said = async (body: (revision: number) => Body) => {
    await send(rig, body(await revisionOf(rig, id)))
    await rig.clock.advance(50)
  }
  const measured = (revision: number, removed = false): Body => ({
    ...{ type: 'SIDELINE_MEASURED', id, revision, removed },
    parked: [],
  })
  await said(() => commandOf('discard', { id }))
  await said((revision) => ({ type: 'SIDELINE_SETTLED', id, revision, confirmed: 1, missing: [] }))
  await said((revision) => measured(revision))
  return measured(await revisionOf(rig, id), true)
}

async function revisionOf(rig: Rig, key: string): Promise<number> {
  const found = await rig.store.reader.findConversation({ kind: 'sideline', key })
  return testSidelineKind.state.parse(JSON.parse(found?.state ?? '')).revision
}

test('one that is over makes room, also for one of its own batch', async () => {
  await using rig = await startKernel({ kinds })
  for (let n = 0; n < RULES_MAX; n++) await start(rig, n)
  await rig.clock.advance(1_000)
  const removed = await removing(rig, 'r7')

  await start(rig, 500)
  await send(rig, removed)
  await start(rig, 501)
  await start(rig, 502)
  await rig.clock.advance(1_000)

  expect([await open(rig), refused(rig)]).toEqual([[RULES_MAX], [expect.any(String), expect.any(String)]])
  const there = ['r7', 'r500', 'r501', 'r502'].map((key) =>
    rig.store.reader.findConversation({ kind: 'sideline', key }),
  )
  expect((await Promise.all(there)).map((one) => one?.status)).toEqual(['discarded', undefined, 'starting', undefined])
})

test('a rule that is found in the stream of rules is in force already, and is taken in any case', async () => {
  await using rig = await startKernel({ kinds })
  for (let n = 0; n < RULES_MAX; n++) await start(rig, n)
  await rig.clock.advance(1_000)
  const since = new Date(rig.clock.now()).toISOString()
  const rule = { id: 'found', episode: 5, revision: 5, phase: 'park', since, actor: 'ann', reason: 'test' } as const

  const heard: Body = { type: 'SIDELINE_RULE', rule: { ...rule, filter: 'true', queues: [PROCESS] } }
  const found = readBack(toMessage(heard, { id: 'found', service: 'hub', correlationId: 'c', atMs: rig.clock.now() }))
  // The hub's own reader of the stream gives it to the kernel: it does not come over the queue.
  const refusals = await rig.store.write((tx) => rig.hub.kernel.handle('data' in found ? [found] : [], tx))

  expect([await open(rig), refusals]).toEqual([[RULES_MAX + 1], []])
})
