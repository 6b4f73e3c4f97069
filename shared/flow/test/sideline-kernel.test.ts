import { expect, test } from 'vitest'
import type { Delivery } from '../../bus/broker.ts'
import { type Body, catalogue } from '../../events.ts'
import { anyKind } from '../any-kind.ts'
import { replayKind } from '../replay.ts'
import { type Rig, send, startKernel } from './kernel-fixture.ts'
import { ANN, commandOf, PROCESS, testSidelineKind } from './sideline-run.ts'

const RULE = { kind: 'sideline', key: 'acme' }
const kinds = [anyKind(testSidelineKind), anyKind(replayKind)]

/** Those who run errands, by hand: each is answered once, when the test says so. */
class Errands {
  readonly #rig: Rig
  readonly #waiting: Delivery[] = []
  parked = 5

  constructor(rig: Rig) {
    this.#rig = rig
  }

  async listen(): Promise<void> {
    await this.#rig.watcher.consume('hub_work', { prefetch: 100 }, (delivery) => void this.#waiting.push(delivery))
  }

  /** Runs the oldest errand, and says what it was. `alongside` comes together with the answer. */
  async run(alongside?: () => Promise<void>): Promise<string> {
    await this.#rig.clock.advance(50)
    const delivery = this.#waiting.shift()
    if (!delivery) return 'none'
    const { type } = delivery.message.properties
    const body: unknown = JSON.parse(delivery.message.body.toString())
    const said =
      type === 'REPLAY_ERRAND'
        ? await this.#move(catalogue.REPLAY_ERRAND.body.parse(body))
        : await this.#look(catalogue.SIDELINE_ERRAND.body.parse(body))
    await alongside?.()
    delivery.ack()
    await this.#rig.clock.advance(50)
    return said
  }

  async #look({ id, revision, step }: Omit<Body<'SIDELINE_ERRAND'>, 'type'>): Promise<string> {
    const parked = [{ queue: PROCESS, count: this.parked }]
    if (step === 'settle') await send(this.#rig, { type: 'SIDELINE_SETTLED', id, revision, confirmed: 1, missing: [] })
    else await send(this.#rig, { type: 'SIDELINE_MEASURED', id, revision, parked, removed: step === 'remove' })
    return step
  }

  async #move({ job, from, to = '', upTo }: Omit<Body<'REPLAY_ERRAND'>, 'type'>): Promise<string> {
    await send(this.#rig, { type: 'REPLAY_MOVED', job, from, moved: upTo, exhausted: false })
    for (let i = 1; i <= upTo; i++) {
      const replay = { job, held: `held-${i}` }
      await send(this.#rig, { type: 'MESSAGE_REPLAYED', queue: to, messageId: `m-${i}`, reason: 'handled', replay })
    }
    this.parked -= upTo
    return `move ${upTo}`
  }
}

/** Until nothing is left to be run; with a hub that is killed and started again before each. */
async function runAll(rig: Rig, errands: Errands, isKilled: boolean): Promise<string[]> {
  const said: string[] = []
  for (;;) {
    if (isKilled) {
      await rig.hub.kill()
      rig.hub = await rig.start()
    }
    const one = await errands.run()
    if (one === 'none') return said
    said.push(one)
  }
}

const statusOf = async (rig: Rig) => (await rig.store.reader.findConversation(RULE))?.status
const command = (rig: Rig, action: Body<'SIDELINE_COMMAND'>['action']) => send(rig, commandOf(action))

test.each([{ isKilled: false }, { isKilled: true }])(
  'a rule starts, gives back what it has parked, and closes; with a hub that is killed in between: $isKilled',
  async ({ isKilled }) => {
    await using rig = await startKernel({ kinds })
    const errands = new Errands(rig)
    await errands.listen()

    await command(rig, 'start')
    expect(await runAll(rig, errands, isKilled)).toEqual(['settle'])
    expect(await statusOf(rig)).toBe('active')
    await command(rig, 'resume')
    expect(await runAll(rig, errands, isKilled)).toEqual(['measure', 'move 5'])
    expect(await statusOf(rig)).toBe('active')
    errands.parked = 3
    await command(rig, 'resolve')
    expect(await runAll(rig, errands, isKilled)).toEqual(['settle', 'measure', 'move 3', 'remove'])

    expect(await statusOf(rig)).toBe('closed')
    const jobs = await rig.store.reader.listConversations({ kind: 'replay' }, { limit: 10 })
    expect(jobs.items.map(({ status, state }) => [status, JSON.parse(state).handled])).toEqual([
      ['completed', 3],
      ['completed', 5],
    ])
    expect(await rig.store.reader.countTimers()).toBe(0)
    const changes = rig.said('SIDELINE_CHANGED').map((text) => catalogue.SIDELINE_CHANGED.body.parse(JSON.parse(text)))
    expect(changes.map(({ status }) => status)).toEqual([
      ...['starting', 'active', 'resuming', 'active', 'resolving', 'closed'],
    ])
    expect(changes.every(({ actor, reason }) => actor === ANN.actor && reason === ANN.reason)).toBe(true)
  },
)

test('a rule that is over is started again: it is open, lists it among the newest, and its history goes on', async () => {
  await using rig = await startKernel({ kinds })
  const errands = new Errands(rig)
  errands.parked = 0
  await errands.listen()
  await send(rig, commandOf('start', { expiresAt: new Date(rig.clock.now() + 3_600_000).toISOString() }))
  await runAll(rig, errands, false)
  await command(rig, 'resolve')
  await runAll(rig, errands, false)
  const first = await rig.store.reader.findConversation(RULE)
  expect([first?.status, await rig.store.reader.countOpen()]).toEqual(['closed', []])

  await command(rig, 'start')
  await runAll(rig, errands, false)

  const again = await rig.store.reader.findConversation(RULE)
  expect(again).toMatchObject({ status: 'active', endedAtMs: null })
  expect(again?.createdAtMs).toBeGreaterThan(first?.createdAtMs ?? 0)
  expect(again?.version).toBeGreaterThan(first?.version ?? 0)
  expect(await rig.store.reader.countOpen()).toEqual([{ kind: 'sideline', count: 1, oldestMs: again?.createdAtMs }])
  // The expiry of its first use is none of the second's.
  expect(await rig.store.reader.countTimers()).toBe(0)
  const history = await rig.store.reader.historyOf(RULE, 100)
  expect(history.filter(({ what }) => what === 'start' || what === 'closed').map(({ what }) => what)).toEqual([
    ...['start', 'closed', 'start'],
  ])
})

test('started again in the very batch in which it closes, it is closed first, and its old timers are gone', async () => {
  await using rig = await startKernel({ kinds })
  const errands = new Errands(rig)
  errands.parked = 0
  await errands.listen()
  await send(rig, commandOf('start', { expiresAt: new Date(rig.clock.now() + 3_600_000).toISOString() }))
  await runAll(rig, errands, false)
  await command(rig, 'resolve')
  expect([await errands.run(), await errands.run()]).toEqual(['settle', 'measure'])

  await errands.run(() => command(rig, 'start'))
  await runAll(rig, errands, false)

  expect(await statusOf(rig)).toBe('active')
  expect(await rig.store.reader.countTimers()).toBe(0)
  expect(await rig.store.reader.countOpen()).toMatchObject([{ kind: 'sideline', count: 1 }])
})

test('records of a rule go to the stream, and nothing of it over the exchange but what it says', async () => {
  await using rig = await startKernel({ kinds })
  await command(rig, 'start')
  await rig.clock.advance(100)

  const sent = rig.sent.map(({ exchange, key, properties }) => `${exchange} ${key} ${properties.type}`)
  expect(sent.filter((line) => !line.endsWith('TIMERS_DUE'))).toEqual([
    ' ebs.control SIDELINE_RULE',
    ' hub_work SIDELINE_ERRAND',
    'ebs sidelines.changed SIDELINE_CHANGED',
  ])
})

test('an errand that nobody answers is sent again, and again', async () => {
  await using rig = await startKernel({ kinds })
  await command(rig, 'start')
  await rig.clock.advance(95_000)

  expect(rig.sent.filter(({ properties }) => properties.type === 'SIDELINE_ERRAND')).toHaveLength(4)
})

test('a refused command is a dead letter that says why, and changes nothing', async () => {
  await using rig = await startKernel({ kinds })
  await command(rig, 'resolve')
  await rig.clock.advance(100)

  const [dead] = rig.said('MESSAGE_DEAD').map((text) => catalogue.MESSAGE_DEAD.body.parse(JSON.parse(text)))
  expect(JSON.stringify(dead)).toContain("There is no sideline rule 'acme'")
  expect(await statusOf(rig)).toBeUndefined()
})
