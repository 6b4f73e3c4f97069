import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type Clock, systemClock } from '../../../shared/clock.ts'
import { SqliteActivityMemory } from '../../../shared/store/activity-memory.ts'
import { scratch } from '../../../shared/store/test/scratch.ts'
import type { AllowedHost } from '../http-allow.ts'
import { HttpClient } from '../http-client.ts'
import { Effects } from '../shop/effects.ts'

type Given = {
  readonly dataDir?: string
  readonly failureRate?: number
  readonly allowed?: readonly AllowedHost[]
  readonly clock?: Clock
}

/** The other systems of activities, in a folder of their own; closed when the test ends. */
export function systems({ dataDir = scratch(), failureRate = 0, allowed = [], clock = systemClock }: Given = {}) {
  const memory = new SqliteActivityMemory(join(dataDir, 'processor.db'))
  const shop = new Effects({ dataDir, clock, failureRate })
  const http = new HttpClient(allowed)
  onTestFinished(async () => {
    await Promise.all([memory.close(), shop.close(), http.close()])
  })
  return { clock, memory, shop, http, work: { clock, minMs: 0, maxMs: 0, failureRate: 0 }, dataDir }
}
