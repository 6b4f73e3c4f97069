import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { storeFiles } from '../backup/manifest.ts'

/** What the folder of a release holds besides a dump of each store: `<file>.sql`. */
export const recordedFiles = {
  release: 'release.json',
  topology: 'topology.json',
  messages: 'messages.ndjson',
} as const

const migration = z.object({ name: z.string(), sha256: z.hash('sha256') })
const acceptedSchema = z.object({
  /** Objects that complete, those that have failed for good, and those that are set aside by `rule`. */
  objects: z.int(),
  failed: z.int(),
  parked: z.int(),
  /** Flows that succeed. */
  flows: z.array(z.string()),
  /** Groups that succeed, and one whose time is over. */
  groups: z.array(z.string()),
  lateGroup: z.string(),
  rule: z.string(),
  /** Journeys by how they stand. */
  journeys: z.object({
    completed: z.string(),
    running: z.string(),
    waitsForTimer: z.string(),
    waitsForPerson: z.string(),
    waitsForType: z.string(),
  }),
  /** Messages in each dead queue. */
  dead: z.record(z.string(), z.int()),
})
export type Accepted = z.infer<typeof acceptedSchema>

const releaseSchema = z.object({
  version: z.string().regex(/^\d+\.\d+\.\d+$/),
  commit: z.string(),
  /** When its programs were killed, ms since 1970: what the times in its stores and messages are to be seen against. */
  recordedAtMs: z.int(),
  topologyVersion: z.int(),
  migrations: z.partialRecord(z.enum(storeFiles), z.array(migration)),
  accepted: acceptedSchema,
})
export type Release = z.infer<typeof releaseSchema>

const args = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
const topologySchema = z.object({
  exchanges: z.array(z.object({ name: z.string(), type: z.string(), arguments: args })),
  queues: z.array(z.object({ name: z.string(), arguments: args })),
  bindings: z.array(
    z.object({
      source: z.string(),
      destination: z.string(),
      destination_type: z.enum(['queue', 'exchange']),
      routing_key: z.string(),
    }),
  ),
})
/** As a broker exports it, without what is the same everywhere. */
export type RecordedTopology = z.infer<typeof topologySchema>
export const parseTopology = (text: string): RecordedTopology => topologySchema.parse(JSON.parse(text))

const messageSchema = z.object({
  queue: z.string(),
  /** Under which it was delivered, which need not be the name of the queue. */
  key: z.string(),
  properties: z.looseObject({ headers: z.record(z.string(), z.unknown()), timestamp: z.int().optional() }),
  body: z.string(),
})
export type RecordedMessage = z.infer<typeof messageSchema>

/** What a release left behind, read from its folder. */
export type Recorded = {
  readonly release: Release
  readonly topology: RecordedTopology
  readonly messages: readonly RecordedMessage[]
  /** By file. */
  readonly dumps: Readonly<Record<string, string>>
}

/** The folders in which releases are, oldest first. */
export const releaseFolders = (parent: string): readonly string[] =>
  readdirSync(parent)
    .filter((name) => existsSync(join(parent, name, recordedFiles.release)))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((name) => join(parent, name))

/**
 * Reads a release as if its programs had been killed at `killedAtMs`: all times in it, in rows, states, bodies and headers, are moved by as
 * much, or else every deadline would be over. Missing: as it was recorded.
 */
export function readRelease(folder: string, killedAtMs?: number): Recorded {
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  const release = releaseSchema.parse(JSON.parse(read(recordedFiles.release)))
  const byMs = killedAtMs === undefined ? 0 : killedAtMs - release.recordedAtMs
  const moved = (name: string) => moveTimes(read(name), { byMs, aroundMs: release.recordedAtMs })
  const messages = moved(recordedFiles.messages)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => messageSchema.parse(JSON.parse(line)))
  return {
    release,
    topology: parseTopology(read(recordedFiles.topology)),
    messages: messages.map((message) => ({ ...message, properties: moveSeconds(message.properties, byMs) })),
    dumps: Object.fromEntries(
      storeFiles.filter((name) => existsSync(join(folder, `${name}.sql`))).map((name) => [name, moved(`${name}.sql`)]),
    ),
  }
}

const MINUTE_MS = 60_000
const SECOND_MS = 1_000
/** What is known as a time: nothing in a release was made earlier, and no deadline reaches further. */
const BEFORE_MS = 24 * 3_600_000
const AFTER_MS = 40 * 24 * 3_600_000

const MS_SINCE_1970 = /(?<![\w-])\d{13}(?![\w-])/g
const ISO = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g

/**
 * Moves each time in a text: a number of 13 digits, or ISO 8601 with ms, that lies around the moment of recording. What is the beginning of a
 * minute stays one: counts per minute are told by it.
 */
export function moveTimes(text: string, { byMs, aroundMs }: { byMs: number; aroundMs: number }): string {
  const isTime = (ms: number) => ms > aroundMs - BEFORE_MS && ms < aroundMs + AFTER_MS
  const minutesMs = Math.floor(byMs / MINUTE_MS) * MINUTE_MS
  const move = (ms: number) => ms + (ms % MINUTE_MS === 0 ? minutesMs : byMs)
  return text
    .replace(MS_SINCE_1970, (digits) => (isTime(Number(digits)) ? String(move(Number(digits))) : digits))
    .replace(ISO, (iso) => (isTime(Date.parse(iso)) ? new Date(Date.parse(iso) + byMs).toISOString() : iso))
}

const moveSeconds = (properties: RecordedMessage['properties'], byMs: number) =>
  properties.timestamp === undefined
    ? properties
    : { ...properties, timestamp: properties.timestamp + Math.round(byMs / SECOND_MS) }
