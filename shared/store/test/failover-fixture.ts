import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { FailoverHubStore } from '../failover-hub-store.ts'
import type { FailoverOptions } from '../failover-options.ts'
import type { MovableHubStore, MovableTransaction } from '../movable-store.ts'
import { SqliteHubStore } from '../sqlite-hub-store.ts'
import { StoreBusyError, StoreUnavailableError } from '../store.ts'
import { scratch } from './scratch.ts'

/** What is wrong with a store's disk: nothing can be written, nothing at all can be done, or the operation fails that is counted down to. Or so many writes find it busy. */
export type Trouble = { writes: boolean; reads: boolean; failIn: number; busyWrites: number }

export const disk = (said: Partial<Trouble> = {}): Trouble => ({
  ...{ writes: true, reads: true, failIn: 0, busyWrites: 0 },
  ...said,
})

/** Opens stores as files, each behind the trouble of its path. */
export const openWith =
  (troubles: Readonly<Record<string, Trouble>>) =>
  async (path: string): Promise<MovableHubStore> => {
    const trouble = Object.entries(troubles).find(([name]) => path.includes(name))?.[1] ?? disk()
    if (!trouble.reads) throw new StoreUnavailableError('The disk cannot be read.')
    return troubled(await SqliteHubStore.open({ path }), trouble)
  }

/** A store whose operations fail as its disk does. A write that fails was not done. */
function troubled(store: SqliteHubStore, trouble: Trouble): MovableHubStore {
  const look = (isWrite: boolean) => {
    const isCounted = trouble.failIn > 0 && --trouble.failIn === 0
    if (isCounted || !trouble.reads || (isWrite && !trouble.writes))
      throw new StoreUnavailableError(`The disk is out of order (${isWrite ? 'write' : 'read'}).`)
  }
  const guarded = <T extends object>(part: T): T =>
    new Proxy(part, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          look(false)
          return Reflect.apply(value, target, args)
        }
      },
    })
  return {
    reader: guarded(store.reader),
    held: guarded(store.held),
    definitions: guarded(store.definitions),
    audit: guarded(store.audit),
    moving: guarded(store.moving),
    get lastSeq() {
      look(false)
      return store.lastSeq
    },
    get writeFailure() {
      return store.writeFailure
    },
    async write<T>(job: (tx: MovableTransaction) => T | Promise<T>): Promise<T> {
      look(true)
      if (trouble.busyWrites-- > 0) throw new StoreBusyError('Somebody else holds the lock.')
      return store.write(async (tx) => {
        const result = await job(tx)
        // At the end, as when the commit finds no room.
        look(true)
        return result
      })
    },
    onEnqueued: (listener) => store.onEnqueued(listener),
    readPending(afterSeq, limit) {
      look(false)
      return store.readPending(afterSeq, limit)
    },
    async removePublished(seqs) {
      look(true)
      await store.removePublished(seqs)
    },
    countPending: () => store.countPending(),
    prune: (nowMs) => store.prune(nowMs),
    close: () => store.close(),
  }
}

export type Pair = {
  readonly folder: string
  readonly primary: Trouble
  readonly secondary: Trouble
  /** Paths of the files. */
  readonly paths: { readonly primary: string; readonly secondary: string }
  /** Opens both as one store, which is tended by the test. */
  open(said?: Partial<FailoverOptions>): Promise<FailoverHubStore>
}

/** Two stores in a folder of the test. */
export function pair(): Pair {
  const folder = scratch()
  const troubles = { primary: disk(), secondary: disk() }
  const paths = { primary: join(folder, 'primary', 'hub.db'), secondary: join(folder, 'secondary', 'hub.db') }
  return {
    ...{ folder, paths, ...troubles },
    async open(said = {}) {
      const log = { info: () => undefined, warn: () => undefined }
      const store = await FailoverHubStore.open({ ...paths, open: openWith(troubles), log, isTended: false, ...said })
      onTestFinished(() => store.close())
      return store
    },
  }
}

/** Both up, and a primary that takes no writes from the start. */
export const failoverStores: [string, () => Promise<FailoverHubStore>][] = [
  ['two stores', () => pair().open()],
  [
    'two stores, the primary full',
    async () => {
      const two = pair()
      const store = await two.open()
      two.primary.writes = false
      await store.write(() => undefined)
      return store
    },
  ],
]
