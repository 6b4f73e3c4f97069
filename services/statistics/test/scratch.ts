import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { z } from 'zod'
import type { SqliteStore } from '../../../shared/store/sqlite-store.ts'
import { openStatistics, type RecordedEvent, record } from '../store.ts'
import { START_MS } from './history.ts'

/** Path of a database of the test's own, which goes with it. */
export function scratchPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ebs-statistics-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'stats.db')
}

/** An empty `stats.db`. */
export async function open(path = scratchPath()) {
  const store = await openStatistics(path)
  onTestFinished(() => store.close())
  return { store, path }
}

export const count = (store: SqliteStore, batch: readonly RecordedEvent[], nowMs = START_MS) =>
  store.write((tx) => record(tx, batch, nowMs))

export const rowsOf = (store: SqliteStore, sql: string) => store.read.all(z.record(z.string(), z.unknown()), sql)
