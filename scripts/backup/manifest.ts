import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { NotDoneError } from '../cli/exit-code.ts'

/** Of the folder: a later one may hold other things. */
export const FORMAT = 1

export const files = {
  manifest: 'manifest.json',
  definitions: 'definitions.json',
  rules: 'rules.json',
  messages: 'messages.ndjson',
} as const

/**
 * The stores, in the order in which they are copied. First the hub, which asks; then those whom it asks, so that they remember at least what
 * they did for it; datagen, when it has heard of every end that is in the hub's copy; last statistics, which has then heard of what is in
 * none of the others and can name it.
 */
export const storeFiles = ['hub.db', 'processor.db', 'shop.db', 'datagen.db', 'stats.db'] as const
export type StoreFile = (typeof storeFiles)[number]

const file = z.object({
  name: z.string().regex(/^[a-z]+\.(?:db|json|ndjson)$/),
  bytes: z.int().min(0),
  sha256: z.hash('sha256'),
})
const manifestSchema = z.object({
  format: z.literal(FORMAT),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime(),
  /** Product and version; missing when the broker could not be asked. */
  broker: z.string().optional(),
  queueType: z.enum(['quorum', 'classic']),
  /** A group by whose end everything that was accepted before the backup began is known to have reached the hub. */
  mark: z.object({ group: z.string(), isReached: z.boolean() }),
  stores: z.array(
    file.extend({
      name: z.enum(storeFiles),
      copiedAt: z.iso.datetime(),
      version: z.int(),
      rows: z.record(z.string(), z.int()),
    }),
  ),
  files: z.array(file),
  /** Messages that wait for people, by queue; missing when they were not asked for. */
  messages: z.record(z.string(), z.int()).optional(),
  /** What could not be saved, and why. */
  lacks: z.array(z.string()),
})
export type Manifest = z.infer<typeof manifestSchema>
export type SavedFile = z.infer<typeof file>

/** The facts of a file in the folder of a backup. */
export async function sumOf(folder: string, name: string): Promise<SavedFile> {
  const hash = createHash('sha256')
  let bytes = 0
  await pipeline(createReadStream(join(folder, name)), async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      bytes += chunk.length
      hash.update(chunk)
    }
  })
  return { name, bytes, sha256: hash.digest('hex') }
}

/** Written last: a folder without it is no backup. */
export const writeManifest = (folder: string, manifest: Manifest): void =>
  writeFileSync(join(folder, files.manifest), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 })

/** Reads a backup and compares every file with its sum. Throws NotDoneError when it is none, or not as it was made. */
export async function readBackup(folder: string): Promise<Manifest> {
  const manifest = parseManifest(folder)
  for (const { name, bytes, sha256 } of [...manifest.stores, ...manifest.files]) {
    if (!existsSync(join(folder, name)))
      throw new NotDoneError(`${join(folder, name)} is missing: the backup is not whole. Nothing was restored.`)
    const found = await sumOf(folder, name)
    if (found.sha256 !== sha256 || found.bytes !== bytes)
      throw new NotDoneError(
        `${join(folder, name)} is not as it was saved (${found.bytes} bytes, sha256 ${found.sha256}; it had ${bytes}, ${sha256}). Nothing was restored: take another backup.`,
      )
  }
  return manifest
}

function parseManifest(folder: string): Manifest {
  const path = join(folder, files.manifest)
  if (!existsSync(path))
    throw new NotDoneError(`${folder} is no backup: there is no ${files.manifest}, which is written last.`)
  try {
    return manifestSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error).replaceAll('\n', ' ') : String(error)
    throw new NotDoneError(`${path} is not one that this version of ebs reads (${why}).`, { cause: error })
  }
}
