import type { Logger } from 'pino'
import type { Clock } from '../../shared/clock.ts'
import type { Kernel } from '../../shared/flow/kernel.ts'
import type { HubStore } from '../../shared/store/hub-store.ts'
import { INBOX_KEEP_MS } from '../../shared/store/inbox-retention.ts'
import { ROUND_EVERY_MS } from './errands/round.ts'

/** A lost wake-up costs this much lateness at most, never the timeout. */
export const SWEEP_EVERY_MS = 5_000
export const REMEDIATE_EVERY_MS = 60_000
export const PRUNE_EVERY_MS = 3_600_000
/** Conversations forgotten in one transaction: with their history some 10 ms of work, so that deliveries hardly wait for it. */
const PRUNE_SLICE = 200
/** How conversations end: groups and flows alike, and journeys. One that needs a person has not ended, and is never forgotten. */
const SUCCEEDED = ['success', 'COMPLETED']
const FAILED = ['failure', 'error', 'FAILED', 'COMPENSATED', 'CANCELLED']
/** Sidelines and replays: who did what to whose messages is asked long afterwards. */
const OPERATED = ['closed', 'discarded', 'completed', 'cancelled']
const OPERATED_KEPT_MS = 90 * 86_400_000
/** Some 300 MB with their indexes: more than an operator can do, and a program that acts all day leaves room for its last weeks. */
const AUDIT_ACTS_MAX = 500_000
/** Of those without a token, who may send as many requests as they like, from as many addresses as they have. */
const AUDIT_STRANGERS_MAX = 100_000

export type UpkeepOptions = {
  readonly store: Pick<HubStore, 'write' | 'prune'>
  readonly kernel: Pick<Kernel, 'sweep'>
  readonly clock: Clock
  readonly log: Pick<Logger, 'info' | 'error'>
  /** How long ended conversations are kept, those that succeeded and all others; and the audit of what operators did. */
  readonly keepMs: { readonly success: number; readonly failed: number; readonly audit: number }
  /** Has the catalogue compared with the queues. */
  readonly askForRound: () => Promise<void>
  /** Reads what other hubs have registered. */
  readonly catchUp: () => Promise<void>
  /** Looks after journeys that take too long. */
  readonly remediate: (isStopped: () => boolean) => Promise<void>
}

/**
 * What is done whether messages come or not: at once, then every five seconds, overdue timers get another wake-up; at once, then every hour,
 * conversations that ended long ago are forgotten, and messages that were settled. Every ten seconds the catalogue is compared with the queues,
 * every five those definitions are read that another hub has registered; every minute journeys are looked after that take too long.
 * Gives the function that ends it.
 */
export function startUpkeep(options: UpkeepOptions): () => void {
  const stops = [
    repeat(options, SWEEP_EVERY_MS, sweep),
    repeat(options, SWEEP_EVERY_MS, definitions),
    repeat(options, REMEDIATE_EVERY_MS, remedy),
    repeat(options, PRUNE_EVERY_MS, prune),
    repeat(options, ROUND_EVERY_MS, round),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}

type Job = (options: UpkeepOptions, isStopped: () => boolean) => Promise<void>

/** Runs a job again and again, never two at a time; one that failed runs again when its time comes. */
function repeat(options: UpkeepOptions, everyMs: number, job: Job): () => void {
  let isStopped = false
  let cancel = () => {}
  const run = async () => {
    try {
      await job(options, () => isStopped)
    } catch (error) {
      // Behind the stop the store is closed, and what is left waits for the next start.
      if (!isStopped) options.log.error({ err: error, againInMs: everyMs }, `could not ${job.name}; trying again`)
    }
    if (!isStopped) cancel = options.clock.after(everyMs, () => void run())
  }
  void run()
  return () => {
    isStopped = true
    cancel()
  }
}

async function sweep({ store, kernel }: UpkeepOptions, isStopped: () => boolean): Promise<void> {
  while (!isStopped() && (await store.write((tx) => kernel.sweep(tx)))) {
    // One slice after another, deliveries in between.
  }
}

async function prune({ store, clock, log, keepMs }: UpkeepOptions, isStopped: () => boolean): Promise<void> {
  const nowMs = clock.now()
  let conversations = 0
  for (const { statuses, keptMs } of [
    { statuses: SUCCEEDED, keptMs: keepMs.success },
    { statuses: FAILED, keptMs: keepMs.failed },
    { statuses: OPERATED, keptMs: OPERATED_KEPT_MS },
  ]) {
    const before = { endedAtMs: nowMs - keptMs, statuses }
    let removed = PRUNE_SLICE
    while (removed > 0 && !isStopped()) {
      removed = await store.write((tx) => tx.removeEnded(before, PRUNE_SLICE))
      conversations += removed
    }
  }
  // Not sooner than the inbox: a job that goes on counts by its rows what it has moved.
  let messages = 0
  let removed = PRUNE_SLICE
  while (removed > 0 && !isStopped()) {
    removed = await store.write((tx) => tx.held.removeSettled(nowMs - INBOX_KEEP_MS, PRUNE_SLICE))
    messages += removed
  }
  const beyond = { beforeMs: nowMs - keepMs.audit, acts: AUDIT_ACTS_MAX, strangers: AUDIT_STRANGERS_MAX }
  let acts = 0
  removed = PRUNE_SLICE
  while (removed > 0 && !isStopped()) {
    removed = await store.write((tx) => tx.audit.removeBeyond(beyond, PRUNE_SLICE))
    acts += removed
  }
  const ids = await store.prune(nowMs)
  if (conversations + messages + acts + ids > 0)
    log.info({ conversations, messages, acts, ids }, 'forgot what is older than configured')
}

const definitions = ({ catchUp }: UpkeepOptions): Promise<void> => catchUp()

const remedy = ({ remediate }: UpkeepOptions, isStopped: () => boolean): Promise<void> => remediate(isStopped)

const round = ({ askForRound }: UpkeepOptions): Promise<void> => askForRound()
