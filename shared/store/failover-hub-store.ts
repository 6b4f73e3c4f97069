import { type Clock, systemClock } from '../clock.ts'
import type { ConversationReader } from './conversations.ts'
import type { DefinitionReader } from './definitions.ts'
import { drain } from './failover-drain.ts'
import {
  elect,
  giveBack,
  LeadLostError,
  type Led,
  noteDrained,
  type Outage,
  otherOf,
  type Sites,
  writeAs,
} from './failover-election.ts'
import { failoverAudit, failoverDefinitions, failoverHeld } from './failover-lookups.ts'
import { SitesOpening } from './failover-opening.ts'
import type { FailoverOptions } from './failover-options.ts'
import type { Pair } from './failover-pair.ts'
import { FailoverReader } from './failover-reader.ts'
import { epochOf, ownSeq, seqOf } from './failover-seqs.ts'
import { FailoverSite, type SiteOptions } from './failover-site.ts'
import { FailoverTransaction, ignoreAway } from './failover-transaction.ts'
import type { HeldReader } from './held-messages.ts'
import type { HubStore, HubTransaction } from './hub-store.ts'
import type { MovableTransaction } from './movable-store.ts'
import { PartlyUnavailableError, type PendingRow, StoreBusyError, StoreUnavailableError } from './store.ts'

/** So soon is seen that a store is back, or away. */
const TEND_MS = 1_000
/** A primary that is back and cannot be written is tried again after this. */
const RETURN_AGAIN_MS = 30_000
/** The lead changes twice at most while a job waits: to the secondary, and to where another process has given it. */
const TRIES_MAX = 3

/**
 * The hub's store over two: one leads and takes every change, the other is read as long as something is left in it, and what is touched moves.
 * The primary leads when it can. See docs/decisions/failover.md.
 */
export class FailoverHubStore implements HubStore {
  readonly reader: ConversationReader
  readonly held: HeldReader
  readonly definitions: DefinitionReader
  readonly audit = failoverAudit(() => this.#sites)
  readonly #options: FailoverOptions
  readonly #sites: Sites
  readonly #opening: SitesOpening
  readonly #clock: Clock
  readonly #listeners = new Set<() => void>()
  /** What is configured, until the store that leads has been told. */
  #said: { readonly out: Outage } | undefined
  #led: Led | undefined
  #whyNone = ''
  #electing: Promise<void> | undefined
  #tending: Promise<void> | undefined
  #isReturning = false
  #returnAfterMs = 0
  /** The epoch whose other store has been moved as far as it can be. */
  #movedIn = 0
  #isClosed = false
  #cancelTend: () => void = () => undefined

  /** Opens what can be opened; what is away is looked for again. Throws UnusableDatabaseError when a file is not ours or too new. */
  static async open(options: FailoverOptions): Promise<FailoverHubStore> {
    const store = new FailoverHubStore(options)
    const warn = (error: unknown) => {
      ignoreAway(error)
      options.log.warn({ err: error }, 'no store can be used yet')
    }
    await store.#opening.open().catch(warn)
    const mistake = store.#opening.mistake()
    if (mistake) {
      await store.close()
      throw mistake
    }
    await store.#elect().catch(warn)
    if (options.isTended !== false) store.#tendAgain()
    return store
  }

  private constructor(options: FailoverOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#said = { out: options.out }
    const site = (name: SiteOptions['name']): FailoverSite =>
      new FailoverSite({ name, path: options[name], open: options.open, onEnqueued: () => this.#tell() })
    this.#sites = { primary: site('primary'), secondary: site('secondary') }
    this.#opening = new SitesOpening(this.#sites, options)
    const pair = () => this.#pair(this.#known())
    this.reader = new FailoverReader(pair)
    this.held = failoverHeld(pair)
    this.definitions = failoverDefinitions(pair)
  }

  async write<T>(job: (tx: HubTransaction) => T | Promise<T>): Promise<T> {
    if (this.#isClosed) throw new StoreUnavailableError('The store is closed; nothing was written.')
    for (let tries = 1; ; tries++) {
      if (!this.#led) await this.#elect()
      const led = this.#known()
      try {
        return await this.#writeOnce(led, job)
      } catch (error) {
        if (error instanceof PartlyUnavailableError || tries === TRIES_MAX || this.#isClosed) throw error
        if (error instanceof LeadLostError) await this.#elect()
        else if (error instanceof StoreUnavailableError && !(error instanceof StoreBusyError))
          await this.#elect({ failed: led, error })
        else throw error
      }
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelTend()
    await this.#tending?.catch(() => undefined)
    await Promise.all([this.#sites.primary.close(), this.#sites.secondary.close()])
  }

  get lastSeq(): number {
    const { site, lead } = this.#known()
    return seqOf(
      lead.epoch,
      site.read((store) => store.lastSeq),
    )
  }

  /** The store that takes changes; undefined while none can. */
  get leader(): 'primary' | 'secondary' | undefined {
    return this.#led?.site.isUp ? this.#led.site.name : undefined
  }

  /** Of the store that takes changes; that there is none is a failure, too. */
  get writeFailure(): StoreUnavailableError | undefined {
    return this.#led ? this.#led.site.writeFailure : this.#none()
  }

  onEnqueued(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async readPending(afterSeq: number, limit: number): Promise<readonly PendingRow[]> {
    const { site, lead } = this.#known()
    const rows = await site.read((store) => store.readPending(ownSeq(lead.epoch, afterSeq), limit))
    return rows.map((row) => ({ ...row, seq: seqOf(lead.epoch, row.seq) }))
  }

  /** Rows of an earlier epoch have moved, or wait for their store: it publishes them once more when it leads again. */
  async removePublished(seqs: readonly number[]): Promise<void> {
    const { site, lead } = this.#known()
    const own = seqs.filter((seq) => epochOf(seq) === lead.epoch).map((seq) => ownSeq(lead.epoch, seq))
    if (own.length > 0) await site.read((store) => store.removePublished(own))
  }

  async countPending(): Promise<number> {
    return this.#known().site.read((store) => store.countPending())
  }

  async prune(nowMs: number): Promise<number> {
    return this.#known().site.read((store) => store.prune(nowMs))
  }

  /** Opens what has come back, gives the lead back to the primary, and moves what the other store still holds. Never two at a time. */
  tend(): Promise<void> {
    this.#tending ??= this.#tendOnce().finally(() => {
      this.#tending = undefined
    })
    return this.#tending
  }

  async #writeOnce<T>(led: Led, job: (tx: HubTransaction) => T | Promise<T>): Promise<T> {
    let done: FailoverTransaction | undefined
    const result = await writeAs(this.#sites, led, (tx, lead) => {
      this.#led = { ...led, lead }
      done = new FailoverTransaction(tx, this.#pair(this.#led))
      return job(done)
    })
    const registered = done?.registered ?? []
    if (registered.length > 0)
      await otherOf(this.#sites, led.site)
        .write(async ({ definitions }) => {
          for (const row of registered) await definitions.insert(row)
        })
        .catch(ignoreAway)
    return result
  }

  #known(): Led {
    if (this.#led) return this.#led
    throw this.#none()
  }

  #none = () => new StoreUnavailableError(`No store can be used. ${this.#whyNone}`)

  #pair({ site, lead }: Led): Pair {
    const other = otherOf(this.#sites, site)
    // A primary that failed would be tried in vain.
    const isFencing = this.#isReturning || lead.out === 'primary'
    const fence = site === this.#sites.primary ? 'must' : isFencing ? 'try' : 'none'
    const isLeft = !lead.isDrained
    return {
      leader: site,
      epoch: lead.epoch,
      source: isLeft && other.isUp ? { site: other, fence } : undefined,
      isOpenMoved: this.#movedIn === lead.epoch,
      lost: isLeft && !other.isUp ? other : undefined,
      sinceMs: lead.atMs,
      nowMs: this.#clock.now(),
    }
  }

  /** Several that find the lead lost look for it together. */
  #elect(because: { readonly failed?: Led; readonly error?: unknown } = {}): Promise<void> {
    this.#electing ??= this.#electOnce(because).finally(() => {
      this.#electing = undefined
    })
    return this.#electing
  }

  async #electOnce({ failed, error }: { readonly failed?: Led; readonly error?: unknown }): Promise<void> {
    // Somebody else has seen to it since.
    if (failed && failed.lead.epoch !== this.#led?.lead.epoch) return
    await this.#opening.open()
    const about = { said: this.#said, known: this.#led, failed: failed?.site, nowMs: this.#clock.now() }
    const led = await elect(this.#sites, about).catch((reason: unknown) => {
      if (reason instanceof Error) this.#whyNone = reason.message
      // What is wrong with the store is the better explanation.
      throw reason instanceof StoreUnavailableError && error ? error : reason
    })
    this.#said = undefined
    this.#follow(led, error)
  }

  #follow(led: Led, error?: unknown): void {
    const isChange = this.#led?.lead.epoch !== led.lead.epoch
    this.#led = led
    if (!isChange) return
    const about = { store: led.site.name, epoch: led.lead.epoch, ...(error !== undefined && { err: error }) }
    this.#options.log[led.site === this.#sites.primary ? 'info' : 'warn'](about, `the ${led.site.name} store leads`)
    this.#tell()
  }

  async #tendOnce(): Promise<void> {
    const { primary, secondary } = this.#sites
    await this.#opening.open()
    if (!this.#led?.site.isUp) await this.#elect(this.#led && { failed: this.#led })
    const mayReturn = this.#led?.lead.out !== 'primary' && this.#clock.now() >= this.#returnAfterMs
    if (this.#led?.site === secondary && primary.isUp && mayReturn) await this.#giveBack(this.#led)
    try {
      await this.#moveRest()
    } catch (error) {
      if (!(error instanceof LeadLostError)) throw error
      await this.#elect()
    }
  }

  async #giveBack(led: Led): Promise<void> {
    this.#isReturning = true
    try {
      this.#follow(await giveBack(this.#sites, led, this.#clock.now()))
    } catch (error) {
      ignoreAway(error)
      this.#returnAfterMs = this.#clock.now() + RETURN_AGAIN_MS
      await this.#elect()
    } finally {
      this.#isReturning = false
    }
  }

  async #moveRest(): Promise<void> {
    const led = this.#known()
    const { source } = this.#pair(led)
    if (!source || this.#movedIn === led.lead.epoch) return
    const write = <T>(job: (tx: MovableTransaction) => T | Promise<T>) => writeAs(this.#sites, led, job)
    const isAll = led.site === this.#sites.primary
    const isStopped = () => this.#isClosed
    const isDone = await drain({ source, write, isAll, isStopped, now: () => this.#clock.now() })
    if (isDone) this.#led = await noteDrained(this.#sites, led)
    if (!this.#isClosed) this.#movedIn = led.lead.epoch
  }

  #tendAgain(): void {
    this.#cancelTend = this.#clock.after(TEND_MS, () => {
      void this.tend()
        .catch((error: unknown) => this.#options.log.warn({ err: error }, 'a store is out of order; looking again'))
        .finally(() => {
          if (!this.#isClosed) this.#tendAgain()
        })
    })
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}
