import { expect, test, vi } from 'vitest'
import { type Applying, applyChange } from '../applying.ts'
import type { Act } from '../change.ts'
import { strangePolicies } from '../policies.ts'
import { saysUsed } from '../words.ts'

type Fake = {
  readonly link?: Partial<Applying['link']>
  readonly look?: Partial<Applying['look']>
  readonly waitMs?: number
  readonly isCutting?: boolean
  readonly statsMs?: number
  readonly takerMs?: number
}

/** Does steps of one queue, `work`, on a broker that is made up. Whatever is not given is not to be asked for. */
async function leftOf(acts: readonly Act[], { link, look, ...fake }: Fake) {
  const unasked = async () => {
    throw new Error('not to be asked')
  }
  const { left } = await applyChange(
    { tasks: [{ name: 'work', kind: 'queue', why: [], messages: 0, consumers: [], acts }] },
    {
      link: {
        ...{ declareExchange: unasked, declareQueue: unasked, bind: unasked, unbind: unasked, count: unasked },
        ...{ move: unasked, remove: unasked },
        ...link,
      },
      look: {
        ...{ unsettled: async () => 0, bindingsTo: async () => [], consumersOf: async () => [] },
        policyOf: async () => ({}),
        ...look,
      },
      ...{ waitMs: 0, isCutting: true, statsMs: 0, takerMs: 0, quietMs: 0, ...fake },
      ...{ onAct: () => undefined, say: () => undefined },
    },
  )
  return left.map(({ why }) => why)
}

const MOVE: Act = { act: 'move', from: 'work', to: 'work.moving' }
const counts = (all: Readonly<Record<string, number>>, consumers = 0) => ({
  count: async (queue: string) => ({ messages: all[queue] ?? 0, consumers }),
})

test('where a policy would drop messages of the stand-in, and not of the queue, nothing is moved or bound', async () => {
  const policyOf = async (queue: string) => ({ 'max-length': queue === 'work' ? 1_000_000 : 1_000 })
  const bind: Act = { act: 'bind', queue: 'work.moving', bindings: [] }

  for (const act of [MOVE, bind])
    expect(await leftOf([act], { link: counts({ work: 5_000 }), look: { policyOf } })).toEqual([
      expect.stringContaining('a policy gives work.moving other limits than work (max-length 1000)'),
    ])
})

test.each([
  { what: 'none', standIn: {}, own: {}, strange: [] },
  {
    what: 'the same',
    standIn: { 'max-length': 5, 'message-ttl': 7 },
    own: { 'max-length': 5, 'message-ttl': 7 },
    strange: [],
  },
  { what: 'only on the queue', standIn: {}, own: { 'max-length': 5 }, strange: [] },
  { what: 'that lose nothing', standIn: { 'queue-leader-locator': 'balanced' }, own: {}, strange: [] },
  {
    what: 'other ones',
    standIn: { 'max-length-bytes': 5 },
    own: { 'max-length-bytes': 6 },
    strange: ['max-length-bytes 5'],
  },
  {
    what: 'more',
    standIn: { 'message-ttl': 5, overflow: 'drop-head' },
    own: {},
    strange: ['overflow drop-head', 'message-ttl 5'],
  },
  { what: 'that delete what nobody consumes', standIn: { expires: 9 }, own: { expires: 9 }, strange: ['expires 9'] },
])('policies, $what: $strange are in the way', ({ standIn, own, strange }) => {
  expect(strangePolicies(standIn, own)).toEqual(strange)
})

test('when fewer messages are there than went there, it ends and says so', async () => {
  let moved = 0
  const move = async () => {
    moved = 1_000
    return { count: 5_000, isSilent: false }
  }
  const count = async (queue: string) => ({ messages: queue === 'work' ? 5_000 : moved, consumers: 0 })

  expect(await leftOf([MOVE], { link: { move, count } })).toEqual([
    expect.stringMatching(/^5,000 messages went to work\.moving, and it has 1000: something takes or drops them there/),
  ])
})

test('a queue that says that it has messages and gives none is asked twice, not for ever', async () => {
  const move = vi.fn(async () => ({ count: 0, isSilent: true }))
  const drain: Act = { act: 'drain', from: 'work', to: 'work.moving' }

  const left = await leftOf([drain], { link: { ...counts({ work: 7 }), move }, waitMs: 60_000 })

  expect(move).toHaveBeenCalledTimes(2)
  expect(left).toEqual([expect.stringMatching(/^work says that it has 7 messages, and gives none\. .*work is unbound/)])
})

test('a consumer that is faster, and cut off again and again, is no reason to leave a queue', async () => {
  let visits = 0
  const move = vi.fn(async () => ({ count: 0, isSilent: false }))
  const count = async () => ({ messages: visits++ < 8 ? 7 : 0, consumers: 0 })
  const drain: Act = { act: 'drain', from: 'work', to: 'work.moving' }

  expect(await leftOf([drain], { link: { move, count }, waitMs: 60_000 })).toEqual([])
  expect(move.mock.calls.length).toBeGreaterThan(2)
})

test.each([
  { what: 'a consumer takes that comes back', after: { messages: 0, consumers: 1 } },
  { what: 'a consumer takes and gives back when it is cut off', after: { messages: 5_000, consumers: 0 } },
])('what $what is not missed', async ({ after }) => {
  let looks = 0
  const move = async () => ({ count: 5_000, isSilent: false })
  const count = async (queue: string) => {
    if (queue === 'work') return { messages: looks === 0 ? 5_000 : 0, consumers: 0 }
    return looks++ < 3 ? { messages: 1_000, consumers: 0 } : after
  }

  expect(await leftOf([MOVE], { link: { move, count }, takerMs: 60_000 })).toEqual([])
  expect(looks).toBe(4)
})

test.each([
  { times: 1, left: [] },
  {
    times: 5,
    left: [expect.stringMatching(/^work is not empty, or is used: 2 messages, 0 consumers\. .*work is unbound/)],
  },
])(
  'what comes into a queue that is to be removed is moved, too, $times times; it is left when more comes',
  async ({ times, left }) => {
    let messages = 0
    let came = 0
    const link = {
      count: async (queue: string) => ({ messages: queue === 'work' ? messages : 9, consumers: 0 }),
      move: async () => {
        const moved = messages
        messages = 0
        return { count: moved, isSilent: false }
      },
      remove: async () => {
        if (came === times) return messages === 0
        came++
        messages = 2
        return false
      },
    }
    const acts: readonly Act[] = [
      { act: 'drain', from: 'work', to: 'work.moving' },
      { act: 'remove', queue: 'work', isQuorum: false },
    ]

    expect(await leftOf(acts, { link, waitMs: 60_000 })).toEqual(left)
  },
)

test('left in the middle, it says that new work is not handled, where it waits, and both ways on', async () => {
  const drain: Act = { act: 'drain', from: 'work', to: 'work.moving' }
  const back: Act = { act: 'drain', from: 'work.moving', to: 'work' }
  const look = { consumersOf: async () => ['worker.desk'] }
  const busy = { link: counts({ work: 3, 'work.moving': 3 }, 1), look }

  expect(await leftOf([drain], busy)).toEqual([
    'work still has 3 messages, and is consumed by worker.desk. work is unbound: new work waits in work.moving and is NOT handled until you run this again. To give up, run it with the arguments that work has (the old EBS_QUEUE_TYPE): it is bound again, and gets what waits',
  ])
  expect(await leftOf([back], busy)).toEqual([expect.stringMatching(/Run this again to go on; .+ is kept$/)])
})

test('however short the wait, a queue that gets empty is not left: what can be moved is moved, and to know that it is empty counts for nothing', async () => {
  const drain: Act = { act: 'drain', from: 'work', to: 'work.moving' }
  const back: Act = { act: 'drain', from: 'work.moving', to: 'work' }
  for (const act of [drain, back]) {
    let messages = 5
    let emptyAtMs = Number.POSITIVE_INFINITY
    const move = async () => {
      const moved = messages
      messages = 0
      emptyAtMs = performance.now()
      return { count: moved, isSilent: false }
    }
    // The broker's numbers, which have not heard yet that what was moved is settled.
    const unsettled = async () => (performance.now() - emptyAtMs < 150 ? 5 : 0)
    const count = async (queue: string) => ({ messages: queue === act.from ? messages : 5, consumers: 0 })

    expect(await leftOf([act], { link: { count, move }, look: { unsettled }, statsMs: 200 })).toEqual([])
    expect(messages).toBe(0)
  }
})

test('held for longer than the numbers are old, it is left, and what is in hands is told', async () => {
  const drain: Act = { act: 'drain', from: 'work', to: 'work.moving' }
  const held = { link: counts({}), look: { unsettled: async () => 2 }, statsMs: 100 }

  expect(await leftOf([drain], held)).toEqual([
    expect.stringMatching(
      /^work is empty, and has 2 messages in hands \(given out, and not settled yet\)\. work is unbound: /,
    ),
  ])
})

test.each([
  {
    use: { messages: 3, unsettled: 1, consumers: 0, names: [] },
    text: 'work still has 3 messages, and has 1 message in hands (given out, and not settled yet)',
  },
  { use: { messages: 1, unsettled: 0, consumers: 0, names: [] }, text: 'work still has 1 message' },
  {
    use: { messages: 0, unsettled: 0, consumers: 1, names: ['a', 'b'] },
    text: 'work is empty, and is consumed by a, b',
  },
  {
    use: { messages: 0, unsettled: 0, consumers: 1, names: [] },
    text: 'work is empty, and is consumed by somebody who has just come, or still holds a message of it',
  },
])('why a queue cannot be removed yet: $text', ({ use, text }) => {
  expect(saysUsed('work', use)).toBe(text)
})

test('while consumers are waited for, the management API is asked only when somebody is told', async () => {
  const consumersOf = vi.fn(async () => ['worker.desk'])
  const count = vi.fn(async () => ({ messages: 0, consumers: 1 }))

  const left = await leftOf([{ act: 'leave', queue: 'work' }], {
    ...{ link: { count }, look: { consumersOf } },
    ...{ waitMs: 400, isCutting: false },
  })

  expect(left).toEqual([expect.stringContaining('it is still consumed, by worker.desk')])
  // At the beginning and at the end, however long that took.
  expect(consumersOf.mock.calls.length).toBeLessThan(3)
  expect(count).toHaveBeenCalled()
})
