import { z } from 'zod'
import type { Asker } from '../../../shared/bus/ask.ts'
import type { Bus } from '../../../shared/bus/bus.ts'
import { finishWithin } from '../../../shared/bus/stopping.ts'
import type { SqliteReader, SqliteStore } from '../../../shared/store/sqlite-store.ts'
import { parkingQueueOf } from '../../../shared/topology.ts'
import { type Named, nameOldest, readClaims, readMissingCounts, readRetried, readStrange } from './claims.ts'
import { type Claim, compare, HUB, lasting, type Shortfall } from './comparison.ts'
import { type Findings, MISSING_MAX, type Missing, saveFindings, saveSeen, saveUnobserved } from './findings.ts'
import { groupedBy } from './grouping.ts'
import { heldBack, OWN_QUEUE, type Progress, progressIn, whyBehind } from './hearing-lag.ts'
import { HubHands } from './hub-hands.ts'
import { type Observation, type Observe, seenIn } from './observation.ts'
import { LookWindow } from './window.ts'

export type WatchOptions = {
  readonly bus: Bus
  readonly store: SqliteStore
  /** Tells this process from the other one on the same file. */
  readonly holder: string
  readonly observe: Observe
  /** How old what `observe` tells may be. */
  readonly ageMs: number
  readonly settleMs: number
  readonly everyMs: number
  readonly findAsker: () => Asker | undefined
  /** Aborted when the service begins to stop: it may close the broker under a look. */
  readonly stopping: AbortSignal
}

/** Of two processes on one file the other takes over when the one that looks has missed so many looks. */
const LEASE_LOOKS = 3
/** For what was accepted before there was a ledger to hear it, and ends soon after; in settling times. */
const BEGINNING_SETTLES = 10
/** Where what has ended without having been accepted should have been. */
const ACCEPTED = 'accepted'

const TAKE = 'update ledger_watch set holder = ?, until = ? where holder = ? or until < ?'
const GIVE_UP = 'update ledger_watch set until = 0 where holder = ?'
const BEGIN = 'update ledger_watch set began = ? where began is null'
const BEGAN = 'select coalesce(began, 0) as began from ledger_watch'
const PARKING = `select distinct by_whom as rule, queue from ledger_accounts where state = 'parked' and count > 0`
const parkingRow = z.object({ rule: z.string(), queue: z.string() })
const COUNTED = 'select at from updated'
const countedRow = z.object({ at: z.number() })
const beganRow = z.object({ began: z.number() })

/** Compares what was accepted with what is there, again and again, in one of the processes on a file. */
export class LedgerWatch {
  readonly #options: WatchOptions
  readonly #read: SqliteReader
  readonly #window: LookWindow
  readonly #hub: HubHands
  /** What was lacking at each place when it was last compared, and how far counting was; undefined after a pause. */
  #lacking: ReadonlyMap<string, number> | undefined
  #progress: Progress | undefined
  #cancel: () => void = () => undefined
  #looking: Promise<void> | undefined
  #isStopped = false

  constructor(options: WatchOptions) {
    this.#options = options
    this.#read = options.store.read
    this.#window = new LookWindow(options)
    this.#hub = new HubHands(options.store.read, options.findAsker)
  }

  start(): void {
    this.#wait()
  }

  /** Another process may look from now on. Resolves when no look is under way any more, or the time is over. */
  async stop(withinMs: number): Promise<void> {
    const { bus, store, holder } = this.#options
    this.#isStopped = true
    this.#cancel()
    await finishWithin(bus, withinMs, async () => {
      await this.#looking
      await store.write((tx) => tx.run(GIVE_UP, holder))
    })
  }

  /** One look. Rejects when the store or the broker is out of order: then nothing is said. */
  async look(): Promise<void> {
    const { bus, store, observe } = this.#options
    if (!(await this.#isOurs())) {
      this.#window.forget()
      this.#hub.forget()
      this.#lacking = undefined
      this.#progress = undefined
      return
    }
    const parking = this.#read.all(parkingRow, PARKING)
    const atMs = bus.clock.now()
    const observation = await observe(parking.map(({ rule, queue }) => parkingQueueOf(rule, queue)))
    this.#window.add({ atMs, seen: seenIn(observation) })
    const findings = await this.#find(observation)
    const change = await store.write((tx) => {
      const nowMs = bus.clock.now()
      saveSeen(tx, observation, parking, nowMs)
      if ('why' in findings) saveUnobserved(tx, [findings])
      else if ('missing' in findings) return saveFindings(tx, findings, { service: bus.service, nowMs })
      return undefined
    })
    if (change?.body.type === 'LEDGER_IMBALANCED')
      bus.log.error(change.body, 'the ledger does not balance: what was accepted is nowhere to be found')
    else if (change) bus.log.info('the ledger balances again')
  }

  #wait(): void {
    const { bus, everyMs, stopping } = this.#options
    if (this.#isStopped) return
    this.#cancel = bus.clock.after(everyMs, () => {
      this.#looking = this.look().then(
        () => this.#wait(),
        (error: unknown) => {
          if (stopping.aborted) return bus.log.debug({ err: error }, 'the last look of the ledger was cut off')
          bus.log.warn({ err: error }, 'the ledger could not be compared with the broker; trying again')
          this.#wait()
        },
      )
    })
  }

  /** Only one of the processes on a file looks, so that nothing is said twice. */
  #isOurs(): Promise<boolean> {
    const { store, holder, everyMs, bus } = this.#options
    const nowMs = bus.clock.now()
    return store.write((tx) => {
      tx.run(BEGIN, nowMs)
      return tx.run(TAKE, holder, nowMs + LEASE_LOOKS * everyMs, holder, nowMs).changes > 0
    })
  }

  async #find({ counts }: Observation): Promise<Findings | Unclear | { readonly early: true }> {
    const progress = progressIn(counts, this.#read.get(countedRow, COUNTED)?.at ?? 0)
    const behind = whyBehind(progress, this.#progress)
    this.#progress = progress
    const lackedBefore = this.#lacking ?? readMissingCounts(this.#read)
    this.#lacking = undefined
    if (behind !== undefined) return { place: OWN_QUEUE, why: behind }
    const settled = this.#window.settled()
    if (!settled) return { early: true }
    const { seen, beforeMs } = settled
    const hub = await this.#hub.findUnknown(beforeMs)
    const unknown = 'unknown' in hub ? this.#byRetry(hub.unknown) : { claims: [], named: [] }
    const compared = compare([...readClaims(this.#read, beforeMs), ...unknown.claims], seen)
    this.#lacking = new Map(compared.missing.map(({ place, count }) => [place, count]))
    const { began } = this.#read.get(beganRow, BEGAN) ?? { began: 0 }
    const afterMs = began + BEGINNING_SETTLES * this.#options.settleMs
    const strange = readStrange(this.#read, { began, beforeMs, afterMs, limit: MISSING_MAX })
    const missing = [
      ...this.#named(lasting(compared.missing, lackedBefore), unknown.named, beforeMs),
      ...strange.map((one) => ({ ...one, place: ACCEPTED })),
    ]
    const held = heldBack(counts)
    if (missing.length > 0 && missing.length <= held) return { place: OWN_QUEUE, why: mayBeHeld(missing.length, held) }
    return {
      missing,
      unobserved: [...compared.unobserved, ...('unobserved' in hub ? [{ place: HUB, why: hub.unobserved }] : [])],
    }
  }

  /** Of what the hub does not know, what may be on the ladder comes last. */
  #byRetry(unknown: readonly Named[]): { readonly claims: readonly Claim[]; readonly named: readonly Named[] } {
    const parts = [...groupedBy(unknown, ({ kind }) => kind)].flatMap(([kind, of]) => {
      if (kind === 'task') return []
      const ids = readRetried(
        this.#read,
        kind,
        of.map(({ id }) => id),
      )
      const inState = (state: 'inFlight' | 'waiting') => of.filter(({ id }) => ids.has(id) === (state === 'waiting'))
      return (['inFlight', 'waiting'] as const).map((state) => ({ kind, state, named: inState(state) }))
    })
    return {
      claims: parts.map(({ kind, state, named }) => ({
        kind,
        queue: 'hub_consume',
        state,
        by: '',
        count: named.length,
      })),
      named: parts.toSorted((a, b) => a.state.localeCompare(b.state)).flatMap(({ named }) => named),
    }
  }

  #named(missing: readonly Shortfall[], unknown: readonly Named[], beforeMs: number): readonly Missing[] {
    return missing.flatMap(({ place, count, claims }): readonly Missing[] => {
      const limit = Math.min(count, MISSING_MAX)
      // What the hub does not know is missing from the hub: its queue does not hold it either.
      if (place === HUB) return unknown.slice(0, limit).map((one) => ({ ...one, place }))
      return nameOldest(this.#read, claims, beforeMs, limit).map((one) => ({ ...one, place }))
    })
  }
}

/** Why nothing can be said at all. */
type Unclear = { readonly place: string; readonly why: string }

const mayBeHeld = (missing: number, held: number) =>
  `${missing} entries may be missing, or only ${held} events that are dead or set aside here: replay those`
