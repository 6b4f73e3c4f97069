import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { System } from './system.ts'

/** Nearly 25 objects a second: enough that every process holds work at any moment, little enough that a busy machine keeps up. */
const OBJECTS_PER_REQUEST = 5
const EVERY_MS = 200
const TRY_AGAIN_MS = 50
const GIVE_UP_MS = 30_000

export type Load = {
  /** Objects that were accepted so far. */
  readonly accepted: number
  /** Of these, by tenant. */
  readonly byTenant: ReadonlyMap<string, number>
  /** Ends it; gives how many objects were accepted. Rejects when a request was refused for good. */
  stop(): Promise<number>
}

/**
 * A client that makes objects, of these tenants in turn, until it is told to stop, and repeats a request that got no answer with the
 * same key.
 */
export function startLoad(system: System, tenants: readonly string[] = ['default'], everyMs = EVERY_MS): Load {
  let accepted = 0
  const byTenant = new Map(tenants.map((tenant) => [tenant, 0]))
  let isOver = false
  const run = async () => {
    for (let turn = 0; !isOver; turn++) {
      const tenant = tenants[turn % tenants.length] ?? 'default'
      await insist(system, tenant)
      accepted += OBJECTS_PER_REQUEST
      byTenant.set(tenant, (byTenant.get(tenant) ?? 0) + OBJECTS_PER_REQUEST)
      await pause(everyMs)
    }
  }
  const running = run()
  // Whoever stops it gets the failure; until then Node must not take it for unhandled.
  running.catch(() => undefined)
  return {
    get accepted() {
      return accepted
    },
    byTenant,
    async stop() {
      isOver = true
      await running
      return accepted
    },
  }
}

async function insist(system: System, tenant: string): Promise<void> {
  const key = randomUUID()
  const giveUpAt = Date.now() + GIVE_UP_MS
  for (;;) {
    const status = await attempt(system, key, tenant)
    if (status === 201) return
    if (status !== undefined && status !== 503) throw new Error(`datagen answered ${status}.`)
    if (Date.now() > giveUpAt) throw new Error(`datagen accepted nothing for ${GIVE_UP_MS} ms.`)
    await pause(TRY_AGAIN_MS)
  }
}

/** The status, or undefined when there was no answer. */
async function attempt(system: System, key: string, tenant: string): Promise<number | undefined> {
  try {
    return await system.createObjects(OBJECTS_PER_REQUEST, key, tenant)
  } catch {
    // It is down or was killed in the middle: whether it took the objects is not known, the key makes it the same request.
    return undefined
  }
}
