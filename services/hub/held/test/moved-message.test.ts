import { expect, test } from 'vitest'
import type { Received } from '../../../../shared/bus/broker.ts'
import { delayRoute } from '../../../../shared/bus/ladder.ts'
import { levels } from '../../../../shared/topology.ts'
import { heldIdOf } from '../held-row.ts'
import { movedMessage } from '../moved-message.ts'

const message = (fields: Partial<Received>, headers: Record<string, unknown> = {}): Received => ({
  exchange: '',
  key: 'process_consume.dead',
  body: Buffer.from('{}'),
  properties: { messageId: 'm1', headers },
  ...fields,
})
const errand = { job: 'j1', to: undefined, rule: undefined }
const zeros = levels.map(() => '0').join('.')

test.each([
  { what: 'an event', from: { exchange: 'ebs', key: 'charges.made' }, to: { exchange: 'ebs', key: 'charges.made' } },
  {
    what: 'a retry that fell off the end of the ladder',
    from: { exchange: 'ebs.delay.deliver', key: `${zeros}.activity.charge` },
    to: { exchange: '', key: 'activity.charge', mandatory: true },
  },
  {
    what: 'a retry that fell out of a rung',
    from: { exchange: delayRoute(1_000, 'activity.charge').exchange, key: delayRoute(1_000, 'activity.charge').key },
    to: { exchange: '', key: 'activity.charge', mandatory: true },
  },
  {
    what: 'what has no queue behind its levels',
    from: { exchange: 'ebs.delay.1s', key: zeros },
    to: { exchange: 'ebs', key: zeros },
  },
])('$what that no queue wanted goes to $to', ({ from, to }) => {
  expect(movedMessage(message(from), 'h1', { errand, edited: undefined })).toMatchObject(to)
})

test('one that was moved while ebs.unrouted was made anew keeps its id, and goes where it wanted to go', () => {
  const fell = { exchange: 'ebs.delay.deliver', key: `${zeros}.activity.charge` }
  const moved = message(
    { key: 'ebs.unrouted' },
    { 'x-ebs-origin': `${fell.exchange} ${fell.key}`, 'x-ebs-key': fell.key },
  )

  expect(heldIdOf('ebs.unrouted', moved)).toBe(heldIdOf('ebs.unrouted', message(fell)))
  const sent = movedMessage(moved, 'h1', { errand, edited: undefined })
  expect(sent).toMatchObject({ exchange: '', key: 'activity.charge', mandatory: true })
  expect(sent.properties.headers).not.toHaveProperty('x-ebs-origin')
})

test('what its stay has left in the headers goes, and what came with the message stays', () => {
  const headers = {
    ...{
      'x-ebs-held': 'h1',
      'x-ebs-reason': 'sideline',
      'x-ebs-rule': 'r1#7',
      'x-ebs-parked-at': 'then',
      'x-ebs-queue': 'q',
    },
    ...{
      'x-death': [{ count: 3 }],
      'x-ebs-tenant': 'acme',
      'x-ebs-key': 'task-requests',
      'x-ebs-attempt': 26,
      own: 'kept',
    },
  }

  const moved = movedMessage(message({}, headers), 'h1', {
    errand: { job: 'j1', to: 'process_consume', rule: 'r1#7' },
    edited: undefined,
  })

  expect(moved).toMatchObject({ exchange: '', key: 'process_consume.replay', mandatory: true })
  expect(moved.properties.headers).toEqual({
    ...{ 'x-ebs-tenant': 'acme', 'x-ebs-key': 'task-requests', 'x-ebs-attempt': 1, own: 'kept' },
    ...{ 'x-ebs-replay': 'j1/h1', 'x-ebs-released': 'r1#7' },
  })
})
