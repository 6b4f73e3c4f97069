import { IN_ORDER_MAX } from '../../../shared/bus/broker.ts'
import type { Bus } from '../../../shared/bus/bus.ts'
import type { Body } from '../../../shared/events.ts'
import type { HubStore } from '../../../shared/store/hub-store.ts'
import { HandOver } from './hand-over.ts'
import type { ParkedThreads } from './parked-threads.ts'
import type { PlaceLocks } from './place-locks.ts'
import { PlaceLook } from './place-look.ts'
import { select } from './selection.ts'
import { Sending } from './sending.ts'

export type Errand = Body<'REPLAY_ERRAND'>
/** The job of an errand, as its conversation has it now. */
export type Job = { readonly isRunning: boolean; readonly actor: string; readonly reason: string }

export type MoverOptions = {
  readonly bus: Bus
  readonly store: Pick<HubStore, 'held' | 'write'>
  readonly locks: PlaceLocks
  readonly findJob: (id: string) => Promise<Job | undefined>
  /** Told of messages that are not in their places any more. */
  readonly threads: Pick<ParkedThreads, 'released'>
}

export type Moved = {
  /** Of this source, by this job, in total. */
  readonly moved: number
  /** Of these, by this errand. */
  readonly fresh: number
  /** There are no more. With fewer than were asked for, and not cut: somebody else holds the rest, and the job asks again later. */
  readonly exhausted: boolean
  /** There may be more, but others have their turn, or the hub stops. */
  readonly isCut: boolean
}

/** Messages looked at, and noted, in one transaction. */
const CHUNK = 250
/** Of the front, so that all chunks on their way fit into what is delivered at once in order. */
const FRONT_CHUNK = IN_ORDER_MAX / 4
/** Chunks on their way at once: the broker confirms one while the next is read and the last is noted. */
const CHUNKS_MAX = 4
/** An errand that takes longer is cut, so that other jobs of the same place have their turn, and a job can be paused. */
const SLICE_MS_MAX = 10_000
/** Somebody else may hold for a moment what is looked for. */
const LOOKS_MAX = 3
const LOOK_AGAIN_MS = 250
/** A job that has found enough comes back for more when that was handled. Opening a look takes some 10 ms, and closing it as long as it held. */
const KEPT_MS = 1_000

/** Of one look through a place: enough were found; its end was reached before; there is no time for more; or the job does not run. */
type End = 'enough' | 'through' | 'cut' | 'halted'

/** Moves messages of jobs out of the queues that hold them. Any errand may be run twice: the catalogue says what was moved already. */
export class Mover {
  readonly #options: MoverOptions
  readonly #handOver: HandOver
  /** Of looks that are kept, by place: ends the wait for its job. */
  readonly #kept = new Map<string, { readonly look: PlaceLook; cancel(): void }>()
  #stopping = false

  constructor(options: MoverOptions) {
    this.#options = options
    this.#handOver = new HandOver(options)
  }

  /** What is under way comes to its end, and nothing more begins. */
  stop(): void {
    this.#stopping = true
    this.#handOver.stop()
    for (const [place, { look, cancel }] of this.#kept) {
      cancel()
      this.#drop(place, look)
    }
  }

  /** Moves until `upTo` of this source have been moved in total, or there are no more, or the slice is over. */
  run(errand: Errand): Promise<Moved> {
    const { from, job } = errand
    return this.#options.locks.exclusive(from, (kept) => this.#run(errand, kept), job)
  }

  async #run(errand: Errand, kept: PlaceLook | undefined): Promise<Moved> {
    const { broker, clock } = this.#options.bus
    const untilMs = clock.now() + SLICE_MS_MAX
    let look = kept
    try {
      const before = await this.#countMoved(errand)
      let moved = before
      let end: End | undefined
      let looks = kept?.number ?? 0
      while (moved < errand.upTo) {
        if (end === 'cut' || end === 'halted' || (end === 'through' && looks >= LOOKS_MAX)) break
        if (end === 'through') await new Promise<void>((resolve) => clock.after(LOOK_AGAIN_MS, resolve))
        if (!look) look = await PlaceLook.open(broker, errand, ++looks)
        end = look ? await this.#move(errand, look, { missing: errand.upTo - moved, untilMs }) : 'through'
        if (end === 'through' || end === 'halted') {
          await look?.close()
          look = undefined
        }
        moved = await this.#countMoved(errand)
      }
      // Also one that was cut: it goes on where it was, however long the queue is.
      if (look) await this.#keep(errand, look)
      const isEnough = moved >= errand.upTo
      const fresh = moved - before
      const exhausted = !isEnough && end === 'through' && !(await this.#isExpected(errand))
      return { moved, fresh, exhausted, isCut: !isEnough && end === 'cut' }
    } catch (error) {
      await look?.close()
      throw error
    }
  }

  /** Goes on with a look until `missing` more were sent. */
  async #move(
    errand: Errand,
    look: PlaceLook,
    { missing, untilMs }: { readonly missing: number; readonly untilMs: number },
  ): Promise<End> {
    const { bus, findJob, store } = this.#options
    const sending = new Sending()
    const sent = new Set<string>()
    try {
      for (;;) {
        const job = await findJob(errand.job)
        if (!job?.isRunning) return 'halted'
        if (this.#stopping || bus.clock.now() >= untilMs) return 'cut'
        const chunk = await look.take(chunkSize(errand, missing - sent.size))
        // Without its end in sight, others hold the rest.
        if (chunk.length === 0) return 'through'
        const max = missing - sent.size
        const { selected, rest } = await select(errand, chunk, sent, { store, nowMs: bus.clock.now(), max })
        look.giveBack(rest)
        await sending.add(this.#handOver.send(errand, job, selected), errand.rate === undefined ? CHUNKS_MAX : 1)
        if (sent.size >= missing) return 'enough'
      }
    } finally {
      await sending.ended()
    }
  }

  /** The catalogue has more: another process looks through the queue, or the comparison has yet to find that they are gone. */
  async #isExpected({ job, from, which }: Errand): Promise<boolean> {
    const { store, bus } = this.#options
    const rows =
      which === 'chosen'
        ? ({ place: from, job, states: ['chosen'] } as const)
        : ({ place: from, states: ['held', 'chosen'] } as const)
    if ((await store.held.listHeld(rows, { limit: 1 })).items.length > 0) return true
    return which === 'front' && ((await bus.broker.inspect(from))?.messages ?? 0) > 0
  }

  async #keep({ from, job }: Errand, look: PlaceLook): Promise<void> {
    if (this.#stopping) return look.close()
    this.#options.locks.keep(from, job, look)
    this.#kept.get(from)?.cancel()
    const cancel = this.#options.bus.clock.after(KEPT_MS, () => this.#drop(from, look))
    this.#kept.set(from, { look, cancel })
  }

  #drop(place: string, look: PlaceLook): void {
    const { locks, bus } = this.#options
    if (this.#kept.get(place)?.look === look) this.#kept.delete(place)
    locks.drop(place, look).catch((error: unknown) => bus.log.debug({ err: error, place }, 'a look ended by itself'))
  }

  #countMoved({ job, from }: Errand): Promise<number> {
    return this.#options.store.write(({ held }) => held.countMoved(job, from))
  }
}

/** Of the front no more than is needed; those that are chosen may be anywhere. */
function chunkSize({ which, rate }: Errand, missing: number): number {
  const perSecond = rate === undefined ? CHUNK : Math.max(1, Math.ceil(rate))
  return Math.min(perSecond, which === 'front' ? Math.max(1, Math.min(missing, FRONT_CHUNK)) : CHUNK)
}
