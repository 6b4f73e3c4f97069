import { expect, test } from 'vitest'
import { z } from 'zod'
import { anyKind } from '../any-kind.ts'
import type { Decision, Kind } from '../decision.ts'
import { OpenConversation } from '../open-conversation.ts'

type Order = { readonly type: string; readonly stuck: boolean }

const change = (state: Order): Decision<Order> => ({
  ...{ kind: 'change', state, status: 'open', ended: false },
  ...{ sent: [], timers: [], history: [] },
})
const plain: Kind<Order> = {
  name: 'order',
  state: z.object({ type: z.string(), stuck: z.boolean() }),
  keyOf: () => undefined,
  decide: (state, input) => change({ type: state?.type ?? 'fast', stuck: 'timer' in input }),
  view: () => ({}),
}
const labelled: Kind<Order> = {
  ...plain,
  labelOf: ({ type }) => type,
  attentionOf: ({ stuck }) => (stuck ? 'stuck' : undefined),
}

/** What is stored of a new conversation after each of these timers. */
function storedAfter(kind: Kind<Order>, ...timers: readonly string[]) {
  const [any, open] = [anyKind(kind), new OpenConversation({ kind: 'order', key: '1' }, undefined)]
  for (const timer of ['', ...timers]) {
    const input = timer === '' ? ({ act: 'cancel', actor: 'ann', reason: 'why' } as const) : { timer, dueMs: 1 }
    const decision = open.conversing(any).decide(input, 1)
    if (decision.kind === 'change') open.apply(decision, 1)
  }
  return open.change(1).to
}

test('a conversation is stored with the label of its state, and with what a person should look at', () => {
  expect(storedAfter(labelled)).toMatchObject({ label: 'fast', attention: null })
  expect(storedAfter(labelled, 'late')).toMatchObject({ label: 'fast', attention: 'stuck' })
})

test('a conversation of a kind that has no labels is stored without', () => {
  expect(storedAfter(plain, 'late')).toMatchObject({ label: null, attention: null })
})

test('a conversation that is only noted keeps label and attention', () => {
  const stored = { ...storedAfter(labelled, 'late'), version: 2 }
  const open = new OpenConversation(stored, stored)

  open.note({ what: 'looked at' }, 2)

  expect(open.change(2).to).toMatchObject({ label: 'fast', attention: 'stuck', version: 3 })
})
