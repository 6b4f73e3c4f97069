import { describe, expect, test } from 'vitest'
import { createOf, doneOf, GroupRun, groupOf, inputOf, OPENED_MS, readEvent } from './group-run.ts'

const handler = (fields: object) => ({ handler: { onsuccess: { topic: 't', payload: 1, ...fields } } })
const repeated = (count: number, id: (n: number) => string) => Array.from({ length: count }, (_, n) => id(n))
const poisonOf = (body: object) => {
  const read = readEvent(body)
  return 'poison' in read ? read.poison : 'taken'
}

describe('bad input is refused where it is read, naming the field', () => {
  test.each([
    { name: 'ttl a string', body: createOf({ ttl: '5' }), poison: 'ttl:' },
    { name: 'ttl 1e308', body: createOf({ ttl: 1e308 }), poison: 'ttl:' },
    { name: 'ttl beyond the ladder', body: createOf({ ttl: 2_592_001 }), poison: 'ttl:' },
    { name: 'no id', body: createOf({ id: undefined }), poison: 'id:' },
    { name: 'an empty id', body: createOf({ id: '' }), poison: 'id:' },
    { name: 'a long id', body: createOf({ id: 'x'.repeat(129) }), poison: 'id:' },
    { name: 'no expected', body: createOf({ expected: undefined }), poison: 'expected:' },
    { name: 'an empty expected id', body: createOf({ expected: ['a', ''] }), poison: 'expected.1:' },
    { name: 'an expected id of another type', body: createOf({ expected: [7] }), poison: 'expected.0:' },
    {
      name: 'too many expected',
      body: createOf({ expected: repeated(10_001, (n) => `${n}`) }),
      poison: 'expected: Too big',
    },
    {
      name: 'as many empty ones as fit into a message',
      body: createOf({ expected: repeated(300_000, () => '') }),
      poison: 'expected: Too big',
    },
    { name: 'quorum 0', body: createOf({ quorum: 0 }), poison: 'quorum:' },
    { name: 'quorum 1.5', body: createOf({ quorum: 1.5 }), poison: 'quorum:' },
    { name: 'an unknown onTimeout', body: createOf({ onTimeout: 'hope' }), poison: 'onTimeout:' },
    { name: 'an unknown completedBy', body: createOf({ completedBy: 'magic' }), poison: 'completedBy:' },
    { name: 'a Done without group', body: { ...doneOf('a'), group: undefined }, poison: 'group:' },
    { name: 'a Done with an empty group', body: { ...doneOf('a'), group: '' }, poison: 'group:' },
    { name: 'a Done without id', body: { ...doneOf('a'), id: undefined }, poison: 'id:' },
    { name: 'a handler without payload', body: createOf(handler({ payload: undefined })), poison: 'payload:' },
    { name: 'a handler without topic', body: createOf(handler({ topic: '' })), poison: 'topic:' },
    { name: 'a topic of 256 bytes', body: createOf(handler({ topic: 'é'.repeat(128) })), poison: 'topic:' },
    {
      name: 'a payload of 64 KiB and a byte',
      body: createOf(handler({ payload: 'x'.repeat(65_535) })),
      poison: 'payload:',
    },
    { name: 'one of wide letters', body: createOf(handler({ payload: '語'.repeat(21_845) })), poison: 'payload:' },
    ...['eventbus-collector', 'eventbus-collector.success', 'messages.dead', 'sidelines.command', 'messages.a\nb'].map(
      (topic) => ({
        name: `G10: the topic ${JSON.stringify(topic)}`,
        body: createOf(handler({ topic })),
        poison: 'topic: not to',
      }),
    ),
  ])('$name', ({ body, poison }) => {
    expect(poisonOf(body)).toContain(poison)
  })

  test.each([
    { name: 'a payload of 64 KiB', change: { payload: 'x'.repeat(65_534) } },
    { name: 'a payload of null', change: { payload: null } },
    { name: 'a topic of 255 bytes', change: { topic: 'x'.repeat(255) } },
    { name: 'a topic that only begins like a reserved one', change: { topic: 'eventbus-collectors' } },
  ])('a handler with $name is taken', ({ change }) => {
    expect(poisonOf(createOf(handler(change)))).toBe('taken')
  })
})

describe('quorum and number of members', () => {
  test.each([
    { expected: ['a', 'b'], quorum: 2, answer: 'open' },
    { expected: ['a', 'b'], quorum: 3, answer: 'refuse: quorum: 3 results cannot come of 2 expected members' },
    { expected: ['a', 'a'], quorum: 2, answer: 'refuse: quorum: 2 results cannot come of 1 expected members' },
    { expected: [], quorum: 1, answer: 'refuse: quorum: 1 results cannot come of 0 expected members' },
  ])('quorum $quorum of $expected: $answer', ({ expected, quorum, answer }) => {
    const run = new GroupRun()

    expect(run.take(createOf({ expected, quorum }))).toContain(answer)
    expect(run.state === undefined).toBe(answer !== 'open')
  })

  test('G8: nobody expected: a Success at once, and no timer is ever armed', () => {
    const run = groupOf(createOf({ expected: [], payload: 7 }))

    expect(run.last).toMatchObject({ status: 'success', ended: true, timers: [] })
    expect(run.bodies).toMatchObject([{ type: 'EventGroupCollectorSuccess', results: {}, payload: 7, endedBy: 'all' }])
    expect(run.take(doneOf('a'))).toBe('late')
  })
})

describe('G8: a repeated Create', () => {
  const payload = { a: [1, { b: null }], c: 'x' }
  const onsuccess = { topic: 't', payload: { x: 1 } }
  const first = createOf({ ttl: 60, payload, handler: { onsuccess } })
  const ends = [
    { when: 'while it is open', inputs: [] },
    { when: 'after the end', inputs: [doneOf('a', { error: 'no' })] },
  ]

  for (const { when, inputs } of ends) {
    test.each([
      { name: 'the same', change: {} },
      { name: 'expected in another order, twice', change: { expected: ['c', 'a', 'b', 'a'] } },
      { name: 'keys in another order', change: { payload: { c: 'x', a: [1, { b: null }] } } },
      { name: 'defaults said', change: { quorum: 3, onTimeout: 'fail', completedBy: 'done' } },
    ])(`${when}, $name: a duplicate`, ({ change }) => {
      expect(groupOf(first, ...inputs).take({ ...first, ...change }, OPENED_MS + 5)).toBe('duplicate')
    })

    test.each([
      { change: { ttl: 61 }, says: ': ttl was 60, now 61.' },
      { change: { ttl: undefined }, says: ': ttl was 60, now 30.' },
      { change: { expected: ['a', 'b'] }, says: ': expected now lacks c.' },
      {
        change: { expected: ['a', 'b', 'd', 'e', 'f', 'g', 'h'] },
        says: ': expected now lacks c and has d, e, f and 2 more.',
      },
      { change: { payload: undefined }, says: ': payload was {"a":[1,{"b":null}],"c":"x"}, now missing.' },
      { change: { payload: { ...payload, c: 'y' } }, says: 'now {"a":[1,{"b":null}],"c":"y"}.' },
      { change: { payload: null }, says: 'now null.' },
      { change: { quorum: 2 }, says: ': quorum was "all", now 2.' },
      { change: { quorum: 99 }, says: ': quorum was "all", now 99.' },
      { change: { onTimeout: 'partial' }, says: ': onTimeout was "fail", now "partial".' },
      { change: { completedBy: 'tasks' }, says: ': completedBy was "done", now "tasks".' },
      { change: { handler: undefined }, says: ': handler.onsuccess was {"topic":"t","payload":{"x":1}}, now missing.' },
      { change: { handler: { onsuccess, onfailure: onsuccess } }, says: ': handler.onfailure was missing, now {' },
      { change: { ttl: 1, quorum: 1 }, says: ': ttl was 60, now 1; quorum was "all", now 1.' },
    ])(`${when}, with $change: a conflict that says so, and the first one stands`, ({ change, says }) => {
      const run = groupOf(first, ...inputs)
      const before = structuredClone(run.opened)

      expect(run.take({ ...first, ...change })).toContain(`${says}`)

      expect(run.last?.kind).toBe('refuse')
      expect(run.opened).toEqual(before)
    })
  }

  test('-0 in a payload is the same the second time', () => {
    const run = new GroupRun()
    const body = inputOf('{"type":"EventGroupCollectorCreate","id":"g","expected":["a"],"payload":[-0]}')

    expect([run.take(body), run.take(body)]).toEqual(['open', 'duplicate'])
  })

  test('the difference is said in a few words, whatever the size', () => {
    const big = createOf({ payload: 'x'.repeat(200_000), expected: repeated(2_000, (n) => `${n}`.padEnd(100, 'x')) })
    const other = { ...big, payload: 'y'.repeat(200_000), expected: repeated(2_000, (n) => `${n}`.padEnd(100, 'y')) }

    expect(groupOf(big).take(other).length).toBeLessThan(1_000)
  })
})
