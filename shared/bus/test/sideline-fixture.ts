import { parkingQueue } from '../../topology.ts'
import type { Broker, Message, Received } from '../broker.ts'
import type { Event } from '../envelope.ts'
import { pasteInto, taskBody } from './bus-fixture.ts'
import { fakeRules, ruleOf } from './fake-rules.ts'

/** A task that is published under the key that work hears, as the catalogue has it. */
export const task = (n: number, headers: Readonly<Record<string, string | number>> = {}): Message => ({
  ...pasteInto('work', taskBody(n), { messageId: `m${n}`, type: 'TASK_CREATED', headers }),
  exchange: 'ebs',
  key: 'task-requests',
})

/** A task that a job has brought back. */
export const replayed = (
  n: number,
  job = 'job1',
  headers: Readonly<Record<string, string | number>> = {},
): Message => ({
  ...pasteInto('work.replay', taskBody(n), {
    messageId: `m${n}`,
    type: 'TASK_CREATED',
    headers: { 'x-ebs-key': 'task-requests', 'x-ebs-replay': `${job}/held${n}`, 'x-ebs-attempt': 1, ...headers },
  }),
})

/** Rules that make their parking queues on this broker; `park` and `hold` match tasks with these numbers. */
export function sidelineOn(broker: Broker) {
  const restore = (rule: string, queue: string) => broker.declare(parkingQueue(rule, queue, 'quorum'))
  const fake = fakeRules(restore)
  const isOf = (numbers: readonly number[]) => (event: Event) => numbers.some((n) => event.meta.id === `m${n}`)
  return {
    ...fake,
    restore,
    park: async (numbers: readonly number[], id = 'r1') => {
      await restore(id, 'work')
      fake.set({ rule: ruleOf(id), matches: isOf(numbers) })
    },
    hold: (numbers: readonly number[], id = 'r1', revision = 2) =>
      fake.set({ rule: ruleOf(id, { phase: 'hold', revision }), matches: isOf(numbers) }),
    lift: () => fake.set(),
  }
}

/** Ids of messages, `m1 m2`. */
export const idsOf = (messages: readonly Received[]) => messages.map(({ properties }) => properties.messageId).join(' ')
/** Bodies of one type of event among what was heard. */
export const bodiesOf = (heard: readonly Received[], type: string) =>
  heard.filter(({ properties }) => properties.type === type).map(({ body }) => JSON.parse(body.toString()))
