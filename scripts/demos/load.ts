import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import type { Api } from '../cli/api.ts'
import { until } from './until.ts'

/** With three tenants: 15 objects and 45 tasks per second, which a busy laptop handles with ease. */
const EVERY_MS = 200
/** Whoever looks at the management UI for an hour and forgets the demo has enough then. */
const OBJECTS_MAX = 100_000

/** Objects of several tenants, made at an even rate until somebody has enough. */
export type Load = {
  /** Objects that were accepted so far, by tenant. */
  readonly accepted: ReadonlyMap<string, number>
  readonly total: number
  /** Resolves when so many more objects have been made. Rejects when datagen refused one. */
  more(count: number): Promise<void>
  /** Ends it. Rejects when datagen refused an object. */
  stop(): Promise<void>
}

export function startLoad(datagen: Api, tenants: readonly string[]): Load {
  const accepted = new Map(tenants.map((tenant) => [tenant, 0]))
  const totalOf = () => [...accepted.values()].reduce((sum, count) => sum + count, 0)
  const make = async (tenant: string) => {
    await datagen.post('/api/objects', z.unknown(), { body: { tenant } })
    accepted.set(tenant, (accepted.get(tenant) ?? 0) + 1)
  }
  let isOver = false
  let failure: unknown
  const run = async () => {
    try {
      while (!isOver && totalOf() < OBJECTS_MAX) await Promise.all([...tenants.map(make), wait(EVERY_MS)])
    } catch (error) {
      // Told to whoever waits for more, or stops it.
      failure = error
    }
    isOver = true
  }
  const running = run()
  const assertSound = () => {
    if (failure !== undefined) throw failure
  }
  return {
    accepted,
    get total() {
      return totalOf()
    },
    async more(count) {
      const goal = totalOf() + count
      await until(`making ${count} more objects`, () => isOver || totalOf() >= goal)
      assertSound()
    },
    async stop() {
      isOver = true
      await running
      assertSound()
    },
  }
}
