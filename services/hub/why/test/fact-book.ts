import type { Held } from '../../../../shared/store/held-messages.ts'
import type { View } from '../../conversation-view.ts'
import { heldRow } from '../../test/fake-held.ts'
import { START_MS } from '../../test/hub-fixture.ts'
import type { Facts, Found, TaskFact } from '../facts.ts'

/** Facts for tables: nothing is known until a test says so. */
export const NOW_MS = START_MS + 60_000
export const at = (ms: number) => new Date(NOW_MS + ms).toISOString()

export const factsOf = (id: string, said: Partial<Facts> = {}): Facts => ({
  id,
  nowMs: NOW_MS,
  ...{ conversations: [], parents: [], early: [], outbox: [], missing: [], tasks: [] },
  ...{ held: new Map(), rules: new Map(), queues: new Map() },
  ...{ datagen: {}, statistics: {} },
  ...said,
})

export const QUEUES = new Map([
  ['process_consume', { isThere: true, messages: 7, consumers: 2 }],
  ['distributor_consume', { isThere: true, messages: 0, consumers: 1 }],
  ['hub_consume', { isThere: true, messages: 0, consumers: 1 }],
])
export const unconsumed = (queue: string) => new Map([[queue, { isThere: true, messages: 3, consumers: 0 }]])

export const task = (said: Partial<TaskFact> = {}): TaskFact => ({
  ...{ id: 'o.2', objectId: 'o', createdAt: at(-50_000), attempts: 0, mark: { state: 'inFlight' } },
  ...said,
})

export const RULE = { status: 'active', actor: 'ann', reason: 'their database is down' }
export const rules = new Map([['acme-down', RULE]])

export const deadRow = (said: Partial<Held> = {}): Held =>
  heldRow({
    messageId: 'm2',
    correlationId: 'o',
    subject: 'o.2',
    heldAtMs: NOW_MS - 5_000,
    changedAtMs: NOW_MS - 5_000,
    ...said,
  })

export const parkedRow = (said: Partial<Held> = {}): Held =>
  deadRow({
    ...{ place: 'ebs.sideline.acme-down.process_consume', rule: 'acme-down#1', reason: 'sideline' },
    ...{ error: null, attempts: null, firstFailedAtMs: null },
    ...said,
  })

type Told = Partial<View> & Readonly<Record<string, unknown>>
const view = (id: string, said: Told): View => ({
  ...{ id, type: 'x', version: 1, status: 'open', createdAt: at(-55_000), changedAt: at(-1_000), endedAt: null },
  ...{ history: [{ at: at(-55_000), what: 'opened' }], timers: [], frozenTimers: [], held: [] },
  ...said,
})
const timer = (kind: string, key: string, name: string) => ({
  ...{ id: `${kind}:${key}:${name}`, kind, key, name, token: 1, due: at(30_000), overdueMs: 0 },
})

/** A group of `members` of which these are missing. */
export function group(id: string, missing: readonly string[], said: Told = {}, members = ['o.1', 'o.2', 'o.3']): Found {
  const shown = members.map((member) => ({
    id: member,
    ...(missing.includes(member) ? { status: 'waiting' } : { status: 'done', at: at(-20_000), by: 'p1' }),
  }))
  const isOver = said.status !== undefined && said.status !== 'open'
  const common = { completedBy: 'done', ttl: 60, due: at(30_000), quorum: members.length, members: shown, missing }
  const end = isOver ? { endedAt: at(-1_000), resolved: at(-1_000) } : { timers: [timer('group', id, 'deadline')] }
  return { kind: 'group', correlationId: id, view: view(id, { ...common, ...end, ...said }) }
}

export const objectGroup = (missing: readonly string[], said: Told = {}) =>
  group('o', missing, { completedBy: 'tasks', ...said })

export const flow = (id: string, said: Told = {}): Found => ({
  kind: 'flow',
  correlationId: id,
  view: view(id, {
    status: 'running',
    deadline: at(9_000),
    phase: 'running',
    calls: [],
    timers: [timer('flow', id, 'deadline')],
    ...said,
  }),
})

export const call = (said: Readonly<Record<string, unknown>> = {}) => ({
  ...{
    callId: 'f.1',
    name: 'install',
    state: 'waiting',
    attempt: 1,
    attemptsMax: 3,
    deadline: at(1_000),
    attempts: [],
  },
  ...said,
})

export const journey = (said: Told = {}): Found => ({
  kind: 'journey',
  correlationId: 's.main',
  view: view('s.main', {
    ...{ kind: 'journey', type: 'order', status: 'RUNNING', phase: 'running', deadline: at(90_000) },
    activities: { reserve: { activity: 'reserve', after: [], state: 'done', attempt: 1 }, charge: step() },
    timers: [timer('journey', 's.main', 'deadline')],
    ...said,
  }),
})

export const step = (said: Readonly<Record<string, unknown>> = {}) => ({
  ...{ activity: 'charge', after: ['reserve'], state: 'running', attempt: 1, attempts: [], dueAt: at(4_000) },
  ...said,
})
