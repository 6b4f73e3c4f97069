import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import type { Broker } from '../../shared/bus/broker.ts'
import { copyStore } from '../../shared/store/copies.ts'
import { makeFolder } from '../../shared/store/folder.ts'
import type { QueueType } from '../../shared/topology.ts'
import { parkingQueueOf } from '../../shared/topology.ts'
import type { Api } from '../cli/api.ts'
import { NotDoneError } from '../cli/exit-code.ts'
import { type Management, readDefinitions } from './definitions.ts'
import { heldQueues, saveHeld } from './held.ts'
import {
  FORMAT,
  files,
  type Manifest,
  type SavedFile,
  type StoreFile,
  storeFiles,
  sumOf,
  writeManifest,
} from './manifest.ts'
import { setMark } from './mark.ts'
import { unheardEnds, unheardText } from './unheard-ends.ts'

export type Taking = {
  /** New, or empty. */
  readonly folder: string
  readonly dataDir: string
  readonly hub: Api
  /** Connects, with no topology of its own. */
  readonly connect: () => Broker
  /** Missing: the definitions are not saved. */
  readonly management: Management | undefined
  readonly queueType: QueueType
  readonly withMessages: boolean
  /** For the hub to come to where the backup begins. */
  readonly markMs?: number
  /** For datagen to hear of the ends that the hub knows. */
  readonly catchUpMs?: number
  /** For the broker to let us in. */
  readonly readyMs?: number
  readonly onStep?: (what: string) => void | Promise<void>
}

/** Datagen is behind the hub by what lies in its queue: some milliseconds, when it runs. */
const CATCH_UP_MS_MAX = 10_000
const CATCH_UP_AGAIN_MS = 100

/** How long the broker may take to let us in. */
const READY_MS_MAX = 10_000

/** Stores that are there to be saved. Throws NotDoneError when there is none. */
export function storesIn(dataDir: string): readonly StoreFile[] {
  const found = storeFiles.filter((name) => existsSync(join(dataDir, name)))
  if (found.length === 0)
    throw new NotDoneError(
      `There is no store in ${dataDir} (${storeFiles.join(', ')}): --data or EBS_DATA_DIR names the folder.`,
    )
  return found
}

/** Saves everything that the broker does not hold by itself, while the system runs. Throws NotDoneError. */
export async function takeBackup(taking: Taking): Promise<Manifest> {
  const { folder, dataDir, queueType, onStep = () => undefined } = taking
  const stores = storesIn(dataDir)
  openFolder(folder)
  const startedAt = isoNow()
  const lacks = storeFiles
    .filter((name) => !stores.includes(name) && !isOptional(name))
    .map((name) => `${name} is not in ${dataDir}`)
  const broker = taking.connect()
  try {
    const isThere = await isReady(broker, taking.readyMs)
    if (!isThere) lacks.push('the broker could not be asked: no mark, no messages')
    const mark = isThere ? await setMark(broker, taking.hub, taking.markMs) : { group: '', isReached: false }
    if (isThere && !mark.isReached)
      lacks.push(`the hub had not come to ${mark.group} in time: what waited for it is not in hub.db`)
    const saved: Manifest['stores'] = []
    for (const name of stores) {
      await onStep(name)
      saved.push(await saveStore(taking, name, lacks))
    }
    const others: SavedFile[] = []
    const write = async (name: string, text: string) => {
      writeFileSync(join(folder, name), text, { mode: 0o600 })
      others.push(await sumOf(folder, name))
    }
    const rules = await attempt(lacks, 'the sideline rules', () =>
      taking.hub.get('/api/sidelines', ruleList, { open: true, limit: RULES_MAX }),
    )
    if (rules) await write(files.rules, `${JSON.stringify(rules.items, null, 2)}\n`)
    const { management } = taking
    const definitions = await attempt(lacks, "the broker's definitions", () => {
      if (!management) throw new Error('EBS_AMQP_MANAGEMENT_URL does not say where the management API is')
      return readDefinitions(management)
    })
    if (definitions !== undefined) await write(files.definitions, definitions)
    let messages: Record<string, number> | undefined
    if (taking.withMessages && isThere) {
      await onStep('messages')
      const names = heldQueues([...queuesIn(definitions), ...parkingQueuesOf(rules?.items ?? [])])
      messages = await saveHeld(broker, names, join(folder, files.messages))
      others.push(await sumOf(folder, files.messages))
    }
    const manifest: Manifest = {
      ...{ format: FORMAT, startedAt, endedAt: isoNow(), queueType, mark, stores: saved, files: others, lacks },
      ...(isThere && { broker: broker.version }),
      ...(messages && { messages }),
    }
    writeManifest(folder, manifest)
    return manifest
  } finally {
    await broker.close()
  }
}

/** Made by the first activity that needs it. */
const isOptional = (name: StoreFile) => name === 'processor.db' || name === 'shop.db'

function openFolder(folder: string): void {
  makeFolder(folder, 0o700)
  if (readdirSync(folder).length > 0)
    throw new NotDoneError(`${folder} is not empty: name a new folder, so that no older backup is written over.`)
}

async function saveStore(
  { dataDir, folder, catchUpMs = CATCH_UP_MS_MAX }: Taking,
  name: StoreFile,
  lacks: string[],
): Promise<Manifest['stores'][number]> {
  const [from, to] = [join(dataDir, name), join(folder, name)]
  const untilMs = Date.now() + catchUpMs
  for (;;) {
    const copiedAt = isoNow()
    const facts = await copyStore(from, to)
    const late = name === 'datagen.db' ? unheardEnds(folder) : []
    if (late.length > 0 && Date.now() < untilMs) {
      rmSync(to)
      await pause(CATCH_UP_AGAIN_MS)
      continue
    }
    if (late.length > 0) lacks.push(unheardText(late))
    return { ...(await sumOf(folder, name)), name, copiedAt, ...facts }
  }
}

const rule = z.looseObject({ id: z.string(), queues: z.array(z.string()) })
const ruleList = z.looseObject({ items: z.array(rule) })
/** Above the number that may be open. */
const RULES_MAX = 1_000
const parkingQueuesOf = (rules: readonly z.infer<typeof rule>[]) =>
  rules.flatMap(({ id, queues }) => queues.map((queue) => parkingQueueOf(id, queue)))

const exported = z.looseObject({ queues: z.array(z.looseObject({ name: z.string() })) })
const queuesIn = (definitions: string | undefined): readonly string[] =>
  definitions === undefined ? [] : exported.parse(JSON.parse(definitions)).queues.map(({ name }) => name)

/** Undefined when it fails: the rest of the backup is worth having, and says what it lacks. */
async function attempt<T>(lacks: string[], what: string, job: () => Promise<T>): Promise<T | undefined> {
  try {
    return await job()
  } catch (error) {
    lacks.push(`${what}: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

async function isReady(broker: Broker, withinMs = READY_MS_MAX): Promise<boolean> {
  const late = new AbortController()
  try {
    return await Promise.race([broker.ready().then(() => true), pause(withinMs, false, { signal: late.signal })])
  } catch {
    // It does not want us: the backup says that it could not be asked.
    return false
  } finally {
    late.abort()
  }
}

const isoNow = () => new Date().toISOString()
