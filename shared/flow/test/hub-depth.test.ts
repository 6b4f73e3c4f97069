import { expect, test } from 'vitest'
import { z } from 'zod'
import { parseEvent } from '../../bus/envelope.ts'
import type { Body, Json } from '../../events.ts'
import type { HubActions, HubContract } from '../hub.ts'
import { hubKind } from '../hub-kind.ts'
import { answered, failed, failureIn, flow, nested, requested, Talk } from './hub-fixture.ts'

/** A contract that keeps any JSON, and does as it is told. */
const any: HubContract<'FLOW_REQUESTED', 'FLOW_CALL_ANSWERED', Json> = {
  ...flow,
  state: z.json(),
  onRequest: () => null,
  onAnswer: (state) => state,
  says: {
    ...flow.says,
    failed,
    replied: ({ conversationId: flowId, durationMs, output }) => ({
      type: 'FLOW_SUCCEEDED',
      ...{ flowId, length: 1, mode: 'parallel', durationMs, output },
    }),
  },
}
const talking = (change: Partial<typeof any>) => new Talk({}, hubKind({ ...any, ...change }))

const isTaken = (body: Body) => {
  const wire = { exchange: 'ebs', key: 'any', body: Buffer.from(JSON.stringify(body)), properties: { headers: {} } }
  return 'data' in parseEvent(wire)
}

test('values as deep as they may be make events that are taken, and a view that can be told', () => {
  const talk = talking({
    onRequest: (_, hub) => {
      hub.call('a', nested(60), { undo: { name: 'b', input: nested(59) } })
      hub.call('c', 1)
      return nested(60)
    },
    onAnswer: (state, { complete }, hub) => {
      if (complete) hub.reply(nested(60))
      return state
    },
  })
  talk.take(requested())
  talk.take(answered(2, { complete: false, output: nested(60) }))
  talk.take(answered(1, { output: nested(60) }))

  const view = z.record(z.string(), z.json()).parse(JSON.parse(JSON.stringify(talk.view)))
  const told: Body = { type: 'CONVERSATION_TOLD', kind: 'flow', id: 'f', view }
  const events = [...talk.sent.flatMap((sent) => ('body' in sent ? [sent.body] : [])), told]
  expect(events.map(({ type }) => type)).toEqual(['FLOW_CALLED', 'FLOW_CALLED', 'FLOW_SUCCEEDED', 'CONVERSATION_TOLD'])
  expect(events.filter((body) => !isTaken(body))).toEqual([])
})

test.each<[what: string, act: (hub: HubActions) => void, fault: string]>([
  ['input', (hub) => hub.call('a', nested(61)), "hub.call('a'): the input: nested 61 levels deep, at most 60"],
  [
    'undo input',
    (hub) => hub.call('a', 1, { undo: { name: 'b', input: nested(60) } }),
    "undo of hub.call('b'): the input: nested 60 levels deep, at most 59",
  ],
  ['output', (hub) => hub.reply(nested(61)), 'hub.reply: the output: nested 61 levels deep, at most 60'],
])('an %s that is deeper is a mistake of the author', (_, act, fault) => {
  const talk = talking({
    onRequest: (_request, hub) => {
      act(hub)
      return null
    },
  })

  expect(() => talk.take(requested())).toThrow(fault)
})

test('a state that is deeper is a mistake of the author; at the deadline the conversation ends all the same', () => {
  const fault = 'The flow f would keep a state that is nested 61 levels deep, at most 60 are kept.'
  expect(() => talking({ onRequest: () => nested(61) }).take(requested())).toThrow(fault)

  const talk = talking({ onTimeout: () => nested(61) })
  talk.take(requested())
  talk.fire('deadline')

  expect(failureIn(talk.sent).error).toContain(`, and onTimeout failed: ${fault}`)
  expect(talk).toMatchObject({ ends: 1, status: 'error' })
})
