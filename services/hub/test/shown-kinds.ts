import { z } from 'zod'
import { anyKind } from '../../../shared/flow/any-kind.ts'
import { ignore, type Kind } from '../../../shared/flow/decision.ts'
import type { ConversationStore } from '../../../shared/store/conversations.ts'
import { START_MS } from './hub-fixture.ts'

const shown = z.record(z.string(), z.unknown())

/** A kind that decides nothing: its state is what it shows. */
const shownKind = (name: string) => {
  const kind: Kind<z.infer<typeof shown>> = {
    name,
    state: shown,
    keyOf: () => undefined,
    decide: () => ignore('unknown'),
    view: (state) => state,
  }
  return anyKind(kind)
}
export const shownKinds = ['sideline', 'replay'].map(shownKind)

/** A rule as its kind shows it. */
export const ruleShown = (fields: object = {}) => ({
  filter: 'tenant == "acme"',
  queues: ['process_consume'],
  actor: 'ann',
  reason: 'database down',
  since: new Date(START_MS).toISOString(),
  use: `acme#${START_MS}`,
  episode: START_MS,
  revision: START_MS,
  phase: 'park',
  missing: [],
  ...fields,
})

/** A job as its kind shows it. */
export const jobShown = (fields: object = {}) => ({
  act: 'replay',
  actor: 'ann',
  reason: 'fixed',
  phase: 'ramp',
  total: 100,
  moved: 40,
  handled: 30,
  failed: 0,
  dead: 0,
  parked: 0,
  pending: 10,
  sources: [{ from: 'process_consume.dead', to: 'process_consume', count: 100 }],
  ...fields,
})

type Put = { readonly key: string; readonly status: string; readonly state: object; readonly hasEnded?: boolean }

/** Stores a conversation as it shall stand from now on. */
export const put = (store: ConversationStore, kind: string, { key, status, state, hasEnded = false }: Put) =>
  store.write(async (tx) => {
    const [before] = await tx.findConversations([{ kind, key }])
    const readVersion = before?.version ?? 0
    const to = {
      ...{ kind, key, status, correlationId: 'c1', tenant: null, traceparent: null, label: null, attention: null },
      state: JSON.stringify(state),
      version: readVersion + 1,
      createdAtMs: before?.createdAtMs ?? START_MS,
      changedAtMs: START_MS,
      endedAtMs: hasEnded ? START_MS : null,
    }
    await tx.saveConversations([{ to, readVersion, history: [{ atMs: START_MS, what: status, detail: null }] }])
  })
