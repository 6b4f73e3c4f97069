import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { type SqliteOptions, SqliteStore } from '../../shared/store/sqlite-store.ts'
import { type SqlValue, Statements } from '../../shared/store/statements.ts'

/** Where a process may be struck; the store's part of it. */
export type StorePoint = 'before commit' | 'after commit'

/** Whose files these are: whatever is opened below its folder. */
export type FileOwner = {
  readonly folder: string
  readonly isAlive: () => boolean
  /** Comes to this point; the process may be dead when it returns. */
  readonly onPoint: (point: StorePoint) => void
  /** Asked when it begins to write. While it is out, every write is refused by SQLite itself, as on a disk that was mounted read-only again. */
  readonly isOut: () => boolean
}

const anything = { parse: (row: unknown) => row }

/** A statement of a process that was killed. */
class DeadError extends Error {
  override readonly name = 'DeadError'
}

/**
 * Puts the files of simulated processes into the simulation's hands, as long as it is not disposed: a process that is dead does nothing
 * more to its database, and what it had not committed is undone. SQLite is the real one.
 */
export class MortalFiles implements Disposable {
  readonly #owners = new Map<string, FileOwner>()
  readonly #writers = new Map<Statements, FileOwner>()
  /** Of each writer, whether it refuses writes now. */
  readonly #refusing = new Map<Statements, boolean>()
  readonly #stores = new Map<SqliteStore, FileOwner>()
  readonly #undo: () => void
  readonly #original = { run: Statements.prototype.run, get: Statements.prototype.get, all: Statements.prototype.all }

  constructor() {
    const files = this
    const { run, get, all } = this.#original
    const open = SqliteStore.open
    Statements.prototype.run = function (sql, ...params) {
      return files.#run(this, sql, params)
    }
    Statements.prototype.get = function (parser, sql, ...params) {
      files.#check(this)
      return Reflect.apply(get, this, [parser, sql, ...params])
    }
    Statements.prototype.all = function (parser, sql, ...params) {
      files.#check(this)
      return Reflect.apply(all, this, [parser, sql, ...params])
    }
    SqliteStore.open = (options) => files.#open(options, open)
    this.#undo = () => {
      Object.assign(Statements.prototype, { run, get, all })
      SqliteStore.open = open
    }
  }

  add(owner: FileOwner): void {
    this.#owners.set(owner.folder, owner)
  }

  /** The store of a living process that ends with this name. */
  find(name: string): SqliteStore | undefined {
    for (const [store, owner] of this.#stores) if (owner.isAlive() && fileOf(store).endsWith(name)) return store
    return undefined
  }

  /** After its death: what it had not committed is undone, and its files are closed as far as it lets them. */
  bury(owner: FileOwner): void {
    for (const [writer, of] of this.#writers) {
      if (of !== owner) continue
      this.#writers.delete(writer)
      this.#refusing.delete(writer)
      if (writer.inTransaction) this.#original.run.call(writer, 'rollback')
    }
    for (const [store, of] of this.#stores) {
      if (of !== owner) continue
      this.#stores.delete(store)
      store.close().catch(() => undefined)
    }
    this.#owners.delete(owner.folder)
  }

  [Symbol.dispose](): void {
    this.#undo()
  }

  async #open(options: SqliteOptions, open: typeof SqliteStore.open): Promise<SqliteStore> {
    const store = await openFresh(options, open)
    const owner = this.#ownerOf(options.path)
    if (owner) this.#stores.set(store, owner)
    return store
  }

  #run(statements: Statements, sql: string, params: SqlValue[]) {
    const { run, get } = this.#original
    const owner = this.#check(statements)
    if (!owner) return run.call(statements, sql, ...params)
    if (!this.#writers.has(statements)) {
      this.#writers.set(statements, owner)
      // Waiting for another process's lock would hold up that process, too.
      get.call(statements, anything, 'pragma busy_timeout = 0')
      // Who is killed here takes nothing of the system's memory with it.
      run.call(statements, 'pragma synchronous = off')
    }
    const isOut = sql === 'begin immediate' && owner.isOut()
    if (sql === 'begin immediate' && isOut !== (this.#refusing.get(statements) ?? false)) {
      run.call(statements, `pragma query_only = ${isOut ? 'on' : 'off'}`)
      this.#refusing.set(statements, isOut)
    }
    if (sql !== 'commit') return run.call(statements, sql, ...params)
    owner.onPoint('before commit')
    this.#check(statements)
    const given = run.call(statements, sql, ...params)
    owner.onPoint('after commit')
    this.#check(statements)
    return given
  }

  #check(statements: Statements): FileOwner | undefined {
    const owner = this.#writers.get(statements) ?? this.#ownerOf(statements.file)
    if (owner && !owner.isAlive()) throw new DeadError('This process was killed.')
    return owner
  }

  #ownerOf(path: string): FileOwner | undefined {
    return this.#owners.get(path.slice(0, path.lastIndexOf('/')))
  }
}

/** Databases as they are when they were just made, by the name of their file: they are the same in every story, and migrating takes its time. */
const made = new Map<string, Buffer>()

function openFresh(options: SqliteOptions, open: typeof SqliteStore.open): Promise<SqliteStore> {
  const { path } = options
  if (existsSync(path)) return open.call(SqliteStore, options)
  const name = basename(path)
  const template = made.get(name)
  if (template) writeFileSync(path, template)
  // It opens within this turn, and nothing was written since.
  const opening = open.call(SqliteStore, options)
  if (!template && existsSync(path)) made.set(name, readFileSync(path))
  return opening
}

const fileOf = (store: SqliteStore) => (store.read instanceof Statements ? store.read.file : '')
