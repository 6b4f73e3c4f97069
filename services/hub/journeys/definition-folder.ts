import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { ConfigError } from '../../../shared/service/errors.ts'
import type { JourneyOperations, Registration } from './journey-operations.ts'

/**
 * Registers every `*.json` of a folder, by name. One that is refused is logged and left out: the journeys of other types, and those that run
 * already, need a hub. Throws ConfigError when there is no such folder.
 */
export async function registerFolder(
  folder: string,
  { journeys, log }: { readonly journeys: Pick<JourneyOperations, 'register'>; readonly log: Logger },
): Promise<void> {
  for (const file of await listFiles(folder)) {
    const path = join(folder, file)
    const by = { actor: 'hub', reason: `found in EBS_DEFINITIONS_DIR as ${file}` }
    const read = await readJson(path)
    // Without the store or the broker nothing else can be registered either.
    if ('document' in read) tell(log, path, await journeys.register(read.document, by))
    else log.error({ path, why: read.fault }, 'a definition cannot be read as JSON, and was not registered')
  }
}

async function readJson(path: string): Promise<{ readonly document: unknown } | { readonly fault: string }> {
  try {
    return { document: JSON.parse(await readFile(path, 'utf8')) }
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) }
  }
}

async function listFiles(folder: string): Promise<readonly string[]> {
  try {
    const files = await readdir(folder)
    return files.filter((file) => file.endsWith('.json')).sort()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    const accepted = `a folder of definitions of journeys (${why})`
    throw new ConfigError([{ variable: 'EBS_DEFINITIONS_DIR', given: folder, accepted }])
  }
}

function tell(log: Logger, path: string, registration: Registration): void {
  switch (registration.outcome) {
    case 'registered':
      log.info({ path, ...registration }, 'registered a definition')
      return
    case 'same':
      return
    default:
      log.error({ path, ...registration }, 'a definition was not registered; give what has changed another version')
  }
}
