import { statSync } from 'node:fs'
import type { Lead, MovableHubStore, MovableTransaction } from './movable-store.ts'
import { explained } from './sqlite-store.ts'
import { StoreBusyError, StoreUnavailableError } from './store.ts'

export type SiteOptions = {
  readonly name: 'primary' | 'secondary'
  readonly path: string
  /** Opens the file at the path; a new one is made of nothing. */
  readonly open: (path: string) => Promise<MovableHubStore>
  /** Called after each commit that put rows into the outbox. */
  readonly onEnqueued: () => void
}

/** One of two stores, which may be away: everything that fails because of its disk or its file rejects with StoreUnavailableError. */
export class FailoverSite {
  readonly name: SiteOptions['name']
  readonly #options: SiteOptions
  #store: MovableHubStore | undefined
  /** Of the file that was opened: another one at the same path is another store. */
  #inode: number | undefined
  #wasThere = false
  /** It is known to be the one that belongs to the other store. */
  #isTrusted = false
  #why: unknown
  /** A look failed: it is opened again before it is asked again. */
  #isBroken = false
  #opening: Promise<boolean> | undefined

  constructor(options: SiteOptions) {
    this.name = options.name
    this.#options = options
  }

  /** Whether it can be read, as far as is known, and is what it should be. */
  get isUp(): boolean {
    return this.#isTrusted && this.isOpen
  }

  /** Whether it can be read, whatever it is. */
  get isOpen(): boolean {
    return this.#store !== undefined && !this.#isBroken && this.#isItsFile()
  }

  get isThere(): boolean {
    return inodeOf(this.#options.path) !== undefined
  }

  /** Whether this process has seen it. */
  get wasThere(): boolean {
    return this.#wasThere
  }

  get isTrusted(): boolean {
    return this.#isTrusted
  }

  get path(): string {
    return this.#options.path
  }

  /** Why it was not up when it was tried last. */
  get why(): unknown {
    return this.#why
  }

  /** Opens it, unless it is open; nobody uses it before it is trusted. A file that is not there is made only when that is said. */
  open(isMade = false): Promise<boolean> {
    if (this.isOpen) return Promise.resolve(true)
    this.#opening ??= this.#open(isMade).finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  trust(): void {
    this.#isTrusted = true
    this.#why = undefined
  }

  distrust(why: string): void {
    this.#isTrusted = false
    this.#why = new StoreUnavailableError(why)
  }

  /** What it says of who leads, also before it is trusted. Throws StoreUnavailableError. */
  lead(): Lead {
    if (!this.#store || !this.isOpen) throw this.#away()
    return this.#look(this.#store, ({ moving }) => moving.lead())
  }

  /** Changes that, also before it is trusted; gives back what it is then. Rejects with StoreUnavailableError. */
  async changeLead(change: (lead: Lead) => Lead): Promise<Lead> {
    if (!this.#store || !this.isOpen) throw this.#away()
    return this.#write(this.#store, ({ moving }) => {
      const lead = change(moving.lead())
      moving.setLead(lead)
      return lead
    })
  }

  async #open(isMade: boolean): Promise<boolean> {
    await this.close()
    this.#isTrusted = false
    const { path, open, onEnqueued } = this.#options
    if (!isMade && !this.isThere) {
      this.#why = new StoreUnavailableError(`${path} is not there.`)
      return false
    }
    try {
      this.#store = await open(path)
      this.#store.onEnqueued(onEnqueued)
      this.#inode = inodeOf(path)
      this.#wasThere = true
      this.#isBroken = false
      return true
    } catch (error) {
      this.#why = explained(error)
      return false
    }
  }

  /** Looks something up. Throws StoreUnavailableError. */
  read<T>(look: (store: MovableHubStore) => T): T {
    return this.#look(this.#available(), look)
  }

  /** Why its last write failed, or why it is away. */
  get writeFailure(): StoreUnavailableError | undefined {
    try {
      return this.read((store) => store.writeFailure)
    } catch (error) {
      if (error instanceof StoreUnavailableError) return error
      throw error
    }
  }

  async write<T>(job: (tx: MovableTransaction) => T | Promise<T>): Promise<T> {
    return this.#write(this.#available(), job)
  }

  #look<T>(store: MovableHubStore, look: (store: MovableHubStore) => T): T {
    try {
      return look(store)
    } catch (error) {
      const why = explained(error)
      if (why instanceof StoreUnavailableError && !(why instanceof StoreBusyError)) this.#isBroken = true
      throw why
    }
  }

  async #write<T>(store: MovableHubStore, job: (tx: MovableTransaction) => T | Promise<T>): Promise<T> {
    try {
      return await store.write(job)
    } catch (error) {
      throw explained(error)
    }
  }

  async close(): Promise<void> {
    const store = this.#store
    this.#store = undefined
    // What is away cannot be closed well either; its file is as the last commit left it.
    await store?.close().catch(() => undefined)
  }

  #available(): MovableHubStore {
    if (this.#store && this.isUp) return this.#store
    throw this.#away()
  }

  #away(): StoreUnavailableError {
    const why = this.#why instanceof Error ? this.#why.message : ''
    return new StoreUnavailableError(
      `The ${this.name} store is out of reach: ${this.#options.path} cannot be read, or is not there. ${why}`.trimEnd(),
      { cause: this.#why },
    )
  }

  /** SQLite goes on with a file that was deleted, and all of it is lost at the end. */
  #isItsFile(): boolean {
    return this.#inode === inodeOf(this.#options.path)
  }
}

/** Undefined when there is no such file. */
function inodeOf(path: string): number | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })?.ino
  } catch {
    return undefined
  }
}
