import type { Page, PageRequest } from './conversations.ts'

/**
 * The catalogue of messages that the broker holds for people: dead ones, those that a sideline rule set aside, and those that no queue
 * wanted. The broker stays their holder; this says what there is, and what became of each.
 */

/**
 * `held`: it lies in its place. `chosen`: it does, and a job will move it. `released`: a job has sent it to its queue, and its outcome is
 * not known yet. The others are final: it was handled after a replay; it failed for good again, or was set aside again, and has another row;
 * it was dropped; it is in the archive; or it is not in its place any more and nobody said why.
 */
export type HeldState =
  | 'held'
  | 'chosen'
  | 'released'
  | 'handled'
  | 'dead'
  | 'parked'
  | 'discarded'
  | 'archived'
  | 'gone'

/** Times are ms since 1970. */
export type Held = {
  /** Another one each time a message is set aside or dies: header `x-ebs-held` of the message. */
  readonly id: string
  /** The queue that holds it. */
  readonly place: string
  /** The work queue that it was taken from; null for what no queue wanted. */
  readonly queue: string | null
  readonly messageId: string
  readonly type: string | null
  /** Original routing key. */
  readonly key: string | null
  readonly tenant: string | null
  readonly correlationId: string | null
  /** `poison`, `exhausted`, `sideline`... */
  readonly reason: string
  readonly error: string | null
  /** `id#episode` of the rule that set it aside. */
  readonly rule: string | null
  readonly attempts: number | null
  /** Of dead ones: what they have in common with others (queue, type, error with ids and numbers masked). */
  readonly fingerprint: string | null
  readonly firstFailedAtMs: number | null
  readonly heldAtMs: number
  readonly state: HeldState
  /** The job that moves or moved it. */
  readonly job: string | null
  readonly changedAtMs: number
  /** Id of what it was about, such as a task; missing when it does not say. */
  readonly subject?: string | undefined
}

/** A message's content, read from its queue; or as somebody edited it. `headers` and `properties` are JSON. */
export type HeldContent = {
  readonly id: string
  readonly body: string
  readonly properties: string
  /** By whom and why it differs from what the queue holds; null when it does not. */
  readonly edited: string | null
}

export type HeldFilter = {
  readonly ids?: readonly string[] | undefined
  readonly place?: string | undefined
  /** Places that begin so: `ebs.sideline.`. */
  readonly placePrefix?: string | undefined
  /** Set aside by a rule; or not: dead, or wanted by no queue. */
  readonly isParked?: boolean | undefined
  readonly queue?: string | undefined
  readonly fingerprint?: string | undefined
  readonly type?: string | undefined
  readonly tenant?: string | undefined
  readonly states?: readonly HeldState[] | undefined
  readonly job?: string | undefined
  readonly rule?: string | undefined
}

/** Groups are told apart by these only. */
export type HeldGroupFilter = Pick<
  HeldFilter,
  'place' | 'placePrefix' | 'isParked' | 'queue' | 'rule' | 'fingerprint' | 'type' | 'tenant'
>

/** What dead messages that lie in their places have in common; the rest is of the newest. */
export type HeldGroup = {
  readonly fingerprint: string
  readonly queue: string | null
  readonly type: string | null
  readonly reason: string
  /** With ids and numbers masked (`fingerprint.ts`); without an error, the reason. */
  readonly error: string
  readonly count: number
  readonly firstAtMs: number
  readonly lastAtMs: number
  /** Id of its newest message. */
  readonly example: string
}

type Sync<T> = T | Promise<T>
export type HeldOutcome = Extract<HeldState, 'handled' | 'dead' | 'parked'>

/** Inside a transaction. */
export interface HeldTransaction {
  /**
   * Adds rows, seen in their places at `changedAtMs`. One that is there stays as it is: a message that was found in its queue before
   * its consumer's news came has the same id, and more may have become of it since. Gives back the ids that were not there.
   */
  addHeld(rows: readonly Held[]): Sync<readonly string[]>
  findHeld(ids: readonly string[]): Sync<readonly Held[]>
  /** Notes for a job those of these that are `held` (another state is left alone); gives back how many. */
  choose(job: string, ids: readonly string[], atMs: number): Sync<number>
  /** Gives back to `held` what is still `chosen` for a job: all, or at most `limit` (a row costs 10 µs); how many. Fewer: none is left. */
  unchoose(job: string, atMs: number, limit?: number): Sync<number>
  /** Those of these ids that are chosen for the job, and not moved yet. */
  chosenOf(job: string, ids: readonly string[]): Sync<ReadonlySet<string>>
  /** A job has moved these: into their queue (`released`), or away (`discarded`, `archived`). Of what lies in no place nothing changes; `gone` was wrong. */
  moved(job: string, ids: readonly string[], state: 'released' | 'discarded' | 'archived', atMs: number): Sync<void>
  /** What came of a released one. False when that was known already, or there is no such row released. */
  settle(id: string, outcome: HeldOutcome, atMs: number): Sync<boolean>
  /** A retry is under way: counted for a released row once, which has this error from then on. False when it was noted before. */
  noteFailing(id: string, error: string, atMs: number): Sync<boolean>
  /** How many messages of a place a job has moved, whatever became of them. */
  countMoved(job: string, place: string): Sync<number>
  /** Whether a message of this thread lies where a rule has set it aside. */
  isParked(correlationId: string): Sync<boolean>
  /** Keeps contents; one that was edited is not overwritten by what the queue holds. Larger bodies than `HELD_BODY_CHARS_MAX` are cut by the caller. */
  keepContents(contents: readonly HeldContent[]): Sync<void>
  findContents(ids: readonly string[]): Sync<readonly HeldContent[]>
  /** These lie in this place; what was taken for `gone` is `held` again. */
  markSeen(place: string, ids: readonly string[], atMs: number): Sync<void>
  /**
   * Marks as `gone` what should lie in this place and was not seen there since `beforeMs`: all, or at most `limit` (a row costs 20 µs); gives
   * back how many. Fewer: none is left.
   */
  markGone(place: string, beforeMs: number, limit?: number): Sync<number>
  /**
   * Forgets what is final since before `beforeMs`, with its content: at most `limit`, and no more than some 10 ms of work, at least one.
   * Gives back how many: fewer than `limit` may not be all, 0 means that none is left.
   */
  removeSettled(beforeMs: number, limit: number): Sync<number>
  /** Puts whole messages into the archive; one that is there stays as it is. It is kept for ever. */
  archive(messages: readonly ArchivedMessage[]): Sync<void>
}

/** A message with everything, taken out of the broker. `body` is base64. */
export type ArchivedMessage = {
  readonly id: string
  readonly place: string
  readonly queue: string | null
  readonly key: string
  readonly body: string
  readonly properties: string
  readonly atMs: number
  readonly actor: string
  readonly reason: string
}

/** Sees what is committed. */
export interface HeldReader {
  findHeld(id: string): Sync<Held | undefined>
  findContent(id: string): Sync<HeldContent | undefined>
  /** Newest first. Throws InvalidCursorError. */
  listHeld(filter: HeldFilter, page: PageRequest): Sync<Page<Held>>
  /** Largest first, of what is held or chosen; those of one size by fingerprint. Throws InvalidCursorError. */
  listGroups(filter: HeldGroupFilter, page: PageRequest): Sync<Page<HeldGroup>>
  /** Of what is held or chosen, by place. Costs the same however many there are; so does `countOfJob`. */
  countByPlace(): Sync<readonly { readonly place: string; readonly count: number }[]>
  /** What of this thread is dead, set aside or on its way back, oldest first, at most `limit`. */
  heldOf(correlationId: string, limit: number): Sync<readonly Held[]>
  /** What has this id, this message id or is about this, newest first, at most `limit`. */
  heldAbout(id: string, limit: number): Sync<readonly Held[]>
  /** Rows of a job by state. */
  countOfJob(job: string): Sync<readonly { readonly state: HeldState; readonly count: number }[]>
}

/** Characters of a body that the catalogue keeps; longer ones are read from their queue when somebody looks. */
export const HELD_BODY_CHARS_MAX = 65_536
