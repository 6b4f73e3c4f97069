import { describe, expect, test } from 'vitest'
import { activityPlan, type Plan, parkingQueue, type QueueType, topologyPlan } from '../../../shared/topology.ts'
import { planChange } from '../change.ts'
import type { Found } from '../found.ts'
import { standInOf, wantedPlan } from '../wanted.ts'
import { saysAct, saysRest, saysTask } from '../words.ts'

const small = (queueType: QueueType) =>
  topologyPlan(queueType, { queues: { work: { hears: ['a', 'b'] } }, withLadder: false })
const joined = (...plans: readonly Plan[]): Plan => ({
  exchanges: plans.flatMap(({ exchanges }) => exchanges),
  queues: plans.flatMap(({ queues }) => queues),
  bindings: plans.flatMap(({ bindings }) => bindings),
})

/** A broker on which exactly this was declared. */
const holding = (plan: Plan, more: Partial<Found> = {}): Found => ({
  exchanges: plan.exchanges.map((one) => ({ durable: true, internal: one.internal === true, ...one })),
  queues: plan.queues.map(({ name, arguments: args }) => foundQueue(name, args)),
  bindings: plan.bindings.map((one) => ({ ...one, arguments: {} })),
  consumers: new Map(),
  ...more,
})

const foundQueue = (name: string, args: Plan['queues'][number]['arguments'], more = {}) => ({
  ...{ name, type: String(args['x-queue-type'] ?? 'classic'), durable: true, isAutoDelete: false, exclusive: false },
  ...{ arguments: { ...args }, messages: 0, unsettled: 0 },
  ...more,
})

const without = (found: Found, ...names: readonly string[]): Found => ({
  ...found,
  queues: found.queues.filter(({ name }) => !names.includes(name)),
  bindings: found.bindings.filter(({ destination }) => !names.includes(destination)),
})

const stepsOf = (wanted: Plan, found: Found, name = 'work') =>
  planChange(wanted, found)
    .tasks.find((task) => task.name === name)
    ?.acts.map(saysAct) ?? []

const INTO = [
  'move what waits in work to work.moving, in order',
  'bind work.moving (3 bindings)',
  'unbind work (3 bindings)',
  'move the rest of work to work.moving, until it is empty and nobody holds a message of it',
  'remove work, if it is empty',
]
const OUT = [
  'move what waits in work.moving to work, in order',
  'bind work (3 bindings)',
  'unbind work.moving (3 bindings)',
  'move the rest of work.moving to work, until it is empty and nobody holds a message of it',
  'remove work.moving, if it is empty',
]
const CHANGED = ['wait until nobody consumes work', 'declare work.moving', ...INTO, 'declare work', ...OUT]

describe('the steps for one queue, from whatever is there', () => {
  const classic = holding(small('classic'))
  const standIn = foundQueue(standInOf('work'), { 'x-queue-type': 'quorum' })
  const boundTo = (found: Found, queue: string) =>
    found.bindings.filter(({ destination }) => destination === 'work').map((one) => ({ ...one, destination: queue }))
  const withStandIn = (found: Found, isBound: boolean): Found => ({
    ...found,
    queues: [...found.queues, standIn],
    bindings: [...found.bindings, ...(isBound ? boundTo(classic, 'work.moving') : [])],
  })
  const quorum = holding(small('quorum'))
  const unbound = (found: Found) => ({
    ...found,
    bindings: found.bindings.filter(({ destination }) => destination !== 'work'),
  })

  test.each<{ what: string; found: Found; steps: readonly string[] }>([
    { what: 'as it should be', found: quorum, steps: [] },
    {
      what: 'a queue whose type nobody gave',
      found: {
        ...classic,
        queues: classic.queues.map((one) => ({ ...one, arguments: { ...one.arguments, 'x-queue-type': 'classic' } })),
      },
      steps: CHANGED,
    },
    { what: 'other arguments', found: classic, steps: CHANGED },
    {
      what: 'a stand-in is declared',
      found: withStandIn(classic, false),
      steps: CHANGED.filter((step) => step !== 'declare work.moving'),
    },
    {
      what: 'both are bound',
      found: withStandIn(classic, true),
      steps: CHANGED.filter((step) => !['declare work.moving', 'bind work.moving (3 bindings)'].includes(step)),
    },
    {
      what: 'the stand-in is bound, the queue is not',
      found: withStandIn(unbound(classic), true),
      steps: CHANGED.filter(
        (step) => !['declare work.moving', 'bind work.moving (3 bindings)', 'unbind work (3 bindings)'].includes(step),
      ),
    },
    { what: 'the queue is gone', found: withStandIn(without(classic, 'work'), true), steps: ['declare work', ...OUT] },
    { what: 'it is there anew, and not bound', found: withStandIn(unbound(quorum), true), steps: OUT },
    {
      what: 'both are bound again',
      found: withStandIn(quorum, true),
      steps: OUT.filter((step) => step !== 'bind work (3 bindings)'),
    },
    {
      what: 'the stand-in is not bound any more',
      found: withStandIn(quorum, false),
      steps: OUT.filter((step) => !step.includes('bind')),
    },
    { what: 'it is missing', found: without(quorum, 'work'), steps: ['declare work', 'bind work (3 bindings)'] },
    {
      what: 'a binding is missing and another too many',
      found: {
        ...quorum,
        bindings: quorum.bindings.map((one) =>
          one.destination === 'work' && one.key === 'a' ? { ...one, key: 'old' } : one,
        ),
      },
      steps: ['bind work (1 binding)', 'unbind work (1 binding)'],
    },
  ])('$what', ({ found, steps }) => {
    expect(stepsOf(small('quorum'), found)).toEqual(steps)
  })

  test('what others have bound to it goes along, and stays', () => {
    const theirs = { source: 'theirs', destination: 'work', to: 'queue', key: 'x', arguments: { n: 1 } } as const
    const found = { ...classic, bindings: [...classic.bindings, theirs] }
    const acts = planChange(small('quorum'), found).tasks.find(({ name }) => name === 'work')?.acts ?? []

    const bound = acts.flatMap((act) => (act.act === 'bind' ? [act.bindings] : []))
    expect(bound).toHaveLength(2)
    expect(bound[0]).toContainEqual({ ...theirs, destination: 'work.moving' })
    expect(bound[1]).toContainEqual(theirs)
    expect(stepsOf(small('quorum'), { ...quorum, bindings: [...quorum.bindings, theirs] })).toEqual([])
  })
})

test('a rung of the ladder is never moved: it runs out, and it is said how long that lasts', () => {
  const wanted = topologyPlan('quorum')
  const found = holding(wanted)
  const changed = {
    ...found,
    queues: found.queues.map((one) =>
      one.name === 'ebs.delay.2d' ? { ...one, arguments: { ...one.arguments, 'x-delivery-limit': 5 } } : one,
    ),
  }

  const steps = stepsOf(wanted, changed, 'ebs.delay.2d')

  expect(steps.filter((step) => step.startsWith('wait until'))).toEqual([
    'wait until nobody consumes ebs.delay.2d',
    'wait until ebs.delay.2d has run out: 2d at most',
    'wait until ebs.delay.2d.moving has run out: 2d at most',
  ])
  expect(steps.filter((step) => step.startsWith('move'))).toEqual([])
})

test('a stream, an exchange that differs and a queue of one connection are refused, with what to do; nothing is done to them', () => {
  const wanted = small('quorum')
  const found = holding(wanted)
  const change = planChange(wanted, {
    ...found,
    exchanges: found.exchanges.map((one) => (one.name === 'ebs' ? { ...one, type: 'direct' } : one)),
    queues: found.queues.map((one) => {
      if (one.name === 'ebs.control') return { ...one, arguments: { ...one.arguments, 'x-max-length-bytes': 1 } }
      return one.name === 'work.dead' ? { ...one, durable: false, exclusive: true } : one
    }),
  })

  expect(change.tasks).toEqual([])
  expect(change.refused).toEqual([
    {
      kind: 'exchange',
      name: 'ebs',
      why: expect.stringMatching(/^type is direct, wanted is topic\. .*drops what is published/),
    },
    { kind: 'queue', name: 'work.dead', why: expect.stringContaining('belongs to one connection') },
    {
      kind: 'queue',
      name: 'ebs.control',
      why: expect.stringMatching(/^x-max-length-bytes is 1, wanted is 8388608\. A stream cannot be drained/),
    },
  ])
  expect(saysRest(change)).toHaveLength(3)
})

test('queues of activities and rules are wanted, also when only their stand-in is there; those of another version are only told of', () => {
  const charge = activityPlan('charge', 'classic')
  const parking = parkingQueue('acme.down', 'work', 'classic')
  const old = [foundQueue('old_consume', {}, { messages: 7 }), foundQueue('ebs.old', {})]
  const found = holding(joined(topologyPlan('quorum'), charge, { exchanges: [], queues: [parking], bindings: [] }))
  const broker: Found = {
    ...found,
    queues: [
      ...found.queues.filter(({ name }) => name !== 'activity.charge'),
      ...old,
      foundQueue('activity.charge.moving', {}),
      foundQueue('strangers', {}),
    ],
    bindings: [
      ...found.bindings.filter(({ destination }) => destination !== 'activity.charge'),
      { source: 'ebs.direct', destination: 'old_consume', to: 'queue', key: 'old_consume', arguments: {} },
      { source: 'ebs', destination: 'strangers', to: 'queue', key: '#', arguments: {} },
    ],
  }
  const wanted = wantedPlan('quorum', broker)

  const kept = planChange(wanted, broker)
  const removed = planChange(wanted, broker, { removeObsolete: true })

  const names = ['activity.charge.dead', 'activity.charge', 'activity.charge.replay', parking.name]
  expect(kept.tasks.map(({ name }) => name)).toEqual(names)
  expect(stepsOf(wanted, broker, 'activity.charge')[0]).toBe('declare activity.charge')
  expect(kept.obsolete).toEqual([
    { name: 'old_consume', messages: 7, consumers: [] },
    { name: 'ebs.old', messages: 0, consumers: [] },
  ])
  expect(saysRest(kept)[0]).toContain('queue old_consume (7 messages, 0 consumers)')
  expect(removed.tasks.slice(names.length).flatMap(({ acts }) => acts.map(saysAct))).toEqual([
    'remove old_consume, if it is empty',
    'remove ebs.old, if it is empty',
  ])
})

test('a task is told with what waits, who consumes, why, and each step', () => {
  const found = holding(small('classic'), { consumers: new Map([['work', ['processor.desk.1.ab']]]) })
  const [task] = planChange(small('quorum'), {
    ...found,
    queues: found.queues.filter(({ name }) => name === 'work').map((one) => ({ ...one, messages: 1_234 })),
  }).tasks.filter(({ name }) => name === 'work')

  const lines = task ? saysTask(task).split('\n') : []

  expect(lines[0]).toMatch(
    /^queue work \(1,234 messages, consumed by processor\.desk\.1\.ab\): x-queue-type is classic, wanted is quorum; /,
  )
  expect(lines.slice(1)).toEqual(CHANGED.map((step, i) => `  ${i + 1}. ${step}`))
})
