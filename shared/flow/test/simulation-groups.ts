import { isDeepStrictEqual } from 'node:util'
import type { Event } from '../../bus/envelope.ts'
import type { Body, Json } from '../../events.ts'
import { type Commit, EARLY_KEEP_MS } from './simulation-hub.ts'

/** How groups must end, by the rules, from what the hub took in which order. */

type Create = Body<'EventGroupCollectorCreate'>
type Word = { readonly member: string; readonly result?: Json | undefined; readonly error?: Json | undefined }

/** What an end says, whatever its type. */
export type GroupEnd = {
  readonly atMs: number
  readonly type: Body['type']
  readonly says: Readonly<Record<string, unknown>>
  readonly isTimeout: boolean
}

export type GroupRecord = {
  readonly create: Create
  readonly openedMs: number
  readonly dueMs: number
  readonly words: Map<string, Word>
  end: GroupEnd | undefined
}

export class GroupModel {
  readonly groups = new Map<string, GroupRecord>()
  /** Ids of messages that had to be refused. */
  readonly refused = new Set<string>()
  readonly #early = new Map<string, { readonly atMs: number; readonly word: Word }[]>()

  /** What came with a wake-up counts before it: timers fire last. */
  take({ atMs, events }: Commit): void {
    for (const event of events) this.#takeEvent(event, atMs)
    if (events.some(({ type }) => type === 'TIMERS_DUE')) this.#look(atMs)
  }

  #takeEvent({ data, meta }: Event, atMs: number): void {
    switch (data.type) {
      case 'EventGroupCollectorCreate':
        if (!this.#create(data, atMs)) this.refused.add(meta.id)
        break
      case 'EventGroupCollectorEntityDone':
        this.#hear(data.group, { member: data.id, result: data.result, error: data.error }, atMs)
        break
      case 'TASK_FINISHED':
        this.#hear(data.objectId, { member: data.taskId, result: data.result }, atMs)
        break
      case 'TASK_FAILED':
        this.#hear(data.objectId, { member: data.taskId, error: data.error }, atMs)
        break
    }
  }

  /** False when it is refused. */
  #create(create: Create, atMs: number): boolean {
    const { id, expected, ttl = 30, quorum } = create
    const there = this.groups.get(id)
    if (there) return isDeepStrictEqual(there.create, create)
    if (quorum !== undefined && quorum > expected.length) return false
    const group = { create, openedMs: atMs, dueMs: atMs + Math.round(ttl * 1_000), words: new Map(), end: undefined }
    this.groups.set(id, group)
    if (expected.length === 0) end(group, atMs, { by: 'all' })
    for (const early of this.#early.get(id) ?? [])
      if (early.atMs >= atMs - EARLY_KEEP_MS) this.#hear(id, early.word, atMs)
    return true
  }

  #hear(id: string, word: Word, atMs: number): void {
    const group = this.groups.get(id)
    if (!group) {
      this.#early.set(id, [...(this.#early.get(id) ?? []), { atMs, word }])
      return
    }
    const { expected, quorum = expected.length } = group.create
    if (group.end || !expected.includes(word.member) || group.words.has(word.member)) return
    group.words.set(word.member, word)
    const failures = [...group.words.values()].filter(({ error }) => error !== undefined).length
    const results = group.words.size - failures
    if (failures > expected.length - quorum) end(group, atMs, { by: 'error', culprit: word })
    else if (results >= quorum) end(group, atMs, { by: results === expected.length ? 'all' : 'quorum' })
  }

  #look(atMs: number): void {
    for (const group of this.groups.values()) if (!group.end && group.dueMs <= atMs) end(group, atMs, { by: 'timeout' })
  }
}

type How = { readonly by: string; readonly culprit?: Word }

function end(group: GroupRecord, atMs: number, { by, culprit }: How): void {
  const { create, words } = group
  const { id, onTimeout, ttl, completedBy, expected } = create
  const timedOut = by === 'timeout' && onTimeout !== 'partial'
  const entity = timedOut ? id : culprit?.member
  const error = timedOut ? `Operation timed out after ${ttl} seconds` : culprit?.error
  const isTimeout = by === 'timeout'
  if (completedBy === 'tasks') {
    const done = (member: string) => words.has(member) && words.get(member)?.error === undefined
    const fields = { objectId: id, tenant: 'acme', tasks: expected.length }
    const failed = { error: culprit ? `task ${culprit.member}: ${culprit.error}` : error }
    group.end =
      entity === undefined
        ? { atMs, isTimeout, type: 'OBJECT_COMPLETED', says: fields }
        : {
            atMs,
            isTimeout,
            type: 'OBJECT_FAILED',
            says: { ...fields, ...failed, missing: expected.filter((member) => !done(member)) },
          }
    return
  }
  const all = [...words.values()]
  const errors = all.flatMap(({ member, error }) => (error === undefined ? [] : [[member, error] as const]))
  const says = {
    id,
    created: new Date(group.openedMs).toISOString(),
    resolved: new Date(atMs).toISOString(),
    endedBy: by,
    results: Object.fromEntries(all.map(({ member, result }) => [member, result ?? null])),
  }
  group.end =
    entity === undefined
      ? {
          atMs,
          isTimeout,
          type: 'EventGroupCollectorSuccess',
          says: { ...says, ...(errors.length > 0 && { errors: Object.fromEntries(errors) }) },
        }
      : { atMs, isTimeout, type: 'EventGroupCollectorFailure', says: { ...says, entity, error } }
}
