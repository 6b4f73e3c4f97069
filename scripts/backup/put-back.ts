import { closeSync, copyFileSync, existsSync, fsyncSync, openSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { announceOpenObjects } from '../../services/datagen/announcing.ts'
import { migrations } from '../../services/datagen/store.ts'
import type { Broker } from '../../shared/bus/broker.ts'
import { besideOf, isStoreInUse, moveStore } from '../../shared/store/copies.ts'
import { makeFolder } from '../../shared/store/folder.ts'
import { SqliteStore } from '../../shared/store/sqlite-store.ts'
import { NotDoneError } from '../cli/exit-code.ts'
import { importDefinitions, type Management } from './definitions.ts'
import { putBackHeld } from './held.ts'
import { files, type Manifest, storeFiles } from './manifest.ts'

export type PuttingBack = {
  readonly folder: string
  readonly dataDir: string
  readonly manifest: Manifest
  /** Missing: definitions are not imported. */
  readonly management?: Management | undefined
  /** Connects with the topology; missing: messages are not put back. */
  readonly connect?: (() => Broker) | undefined
  readonly nowMs: number
}

export type Restored = {
  readonly stores: readonly string[]
  /** Where the stores that were there are now. */
  readonly movedTo: string | undefined
  /** Objects without an end that will be announced again. */
  readonly announced: number
  readonly hasDefinitions: boolean
  /** Messages put back, by queue. */
  readonly messages: Readonly<Record<string, number>>
}

/** Stores of a data folder that a process has open. */
export const storesInUse = (dataDir: string): readonly string[] =>
  storeFiles.filter((name) => existsSync(join(dataDir, name)) && isStoreInUse(join(dataDir, name)))

/** What asks for a part of a backup that it does not have. Throws NotDoneError. */
export function assertHas({ files: saved }: Manifest, name: string, option: string): void {
  if (!saved.some((file) => file.name === name))
    throw new NotDoneError(`This backup has no ${name}: without ${option} the rest is restored.`)
}

/**
 * Puts the stores of a checked backup in place of those that are there, which are kept aside. No service may run: the caller has looked.
 * Definitions come before stores, and messages last; when a step fails, doing it again does no harm.
 */
export async function putBack({
  folder,
  dataDir,
  manifest,
  management,
  connect,
  nowMs,
}: PuttingBack): Promise<Restored> {
  if (management) await importDefinitions(management, readFileSync(join(folder, files.definitions), 'utf8'))
  makeFolder(dataDir)
  const aside = join(dataDir, `before-restore-${new Date(nowMs).toISOString().replaceAll(/[:.]/g, '-')}`)
  const present = storeFiles.filter((name) => existsSync(join(dataDir, name)))
  // Also those that the backup does not have: they belong to a later time than the rest.
  for (const name of present) moveStore(join(dataDir, name), aside)
  for (const { name } of manifest.stores) copyDurably(join(folder, name), join(dataDir, name))
  const announced = manifest.stores.some(({ name }) => name === 'datagen.db') ? await announceAgain(dataDir, nowMs) : 0
  return {
    stores: manifest.stores.map(({ name }) => name),
    movedTo: present.length > 0 ? aside : undefined,
    announced,
    hasDefinitions: management !== undefined,
    messages: connect ? await sendMessages(connect(), folder, manifest) : {},
  }
}

async function sendMessages(broker: Broker, folder: string, { queueType }: Manifest): Promise<Record<string, number>> {
  try {
    await broker.ready()
    return await putBackHeld(broker, join(folder, files.messages), queueType)
  } finally {
    await broker.close()
  }
}

/** Their tasks may have been lost with the broker, or done for a hub that has forgotten it. */
async function announceAgain(dataDir: string, nowMs: number): Promise<number> {
  const store = await SqliteStore.open({ path: join(dataDir, 'datagen.db'), migrations })
  try {
    return await announceOpenObjects(store, nowMs)
  } finally {
    await store.close()
  }
}

/** Under its name there is all of it, or nothing. */
function copyDurably(from: string, to: string): void {
  const beside = besideOf(to)
  copyFileSync(from, beside)
  const file = openSync(beside, 'r+')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(beside, to)
}
