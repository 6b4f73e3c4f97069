import { vi } from 'vitest'
import type { Held, HeldReader } from '../../../shared/store/held-messages.ts'
import type { HeldOperations } from '../held-operations.ts'

const nothing = { items: [], next: undefined }

/** A catalogue in which nothing is held. */
export const emptyHeld = () =>
  ({
    findHeld: vi.fn<HeldReader['findHeld']>(() => undefined),
    findContent: vi.fn<HeldReader['findContent']>(() => undefined),
    listHeld: vi.fn<HeldReader['listHeld']>(() => nothing),
    listGroups: vi.fn<HeldReader['listGroups']>(() => nothing),
    countByPlace: vi.fn<HeldReader['countByPlace']>(() => []),
    heldOf: vi.fn<HeldReader['heldOf']>(() => []),
    heldAbout: vi.fn<HeldReader['heldAbout']>(() => []),
    countOfJob: vi.fn<HeldReader['countOfJob']>(() => []),
  }) satisfies HeldReader

/** What routes ask of the hub's effects; a test says what it answers. */
export const fakeHeldOperations = () =>
  ({
    held: emptyHeld(),
    tell: vi.fn<HeldOperations['tell']>(async () => ({})),
    trials: { run: vi.fn<HeldOperations['trials']['run']>(() => Promise.reject(new Error('no trial is prepared'))) },
    contents: { fetch: vi.fn<HeldOperations['contents']['fetch']>(async () => new Map()) },
    search: vi.fn<HeldOperations['search']>(async () => nothing),
    replays: { request: vi.fn<HeldOperations['replays']['request']>(async () => ({ outcome: 'empty' })) },
    edit: vi.fn<HeldOperations['edit']>(async () => ({ outcome: 'unknown' })),
  }) satisfies HeldOperations

/** A dead letter of `process_consume`. */
export const heldRow = (fields: Partial<Held> = {}): Held => ({
  id: 'h1',
  place: 'process_consume.dead',
  queue: 'process_consume',
  messageId: 'm1',
  type: 'TASK_CREATED',
  key: 'task-requests',
  tenant: 'acme',
  correlationId: 'o1',
  reason: 'exhausted',
  error: 'Error: no disk',
  rule: null,
  attempts: 26,
  fingerprint: 'f1',
  firstFailedAtMs: Date.UTC(2026, 0, 1) - 60_000,
  heldAtMs: Date.UTC(2026, 0, 1),
  state: 'held',
  job: null,
  changedAtMs: Date.UTC(2026, 0, 1),
  ...fields,
})
