import { fileURLToPath } from 'node:url'
import { ConfigError, ListenError } from '../shared/service/errors.ts'
import { NoBrokerError } from './broker/ways.ts'
import { readSetUpConfig, type SetUpConfig } from './config.ts'

/** The project's folder, seen from dist/scripts/. */
const projectRoot = fileURLToPath(new URL('../..', import.meta.url))

export const EXIT_MISCONFIGURED = 2

/** Runs a script with the configuration of all of the system, and then ends the process like `runInProject`. */
export const runScript = (script: (config: SetUpConfig) => Promise<number>): Promise<never> =>
  runInProject(async (root) => script(readSetUpConfig(root)))

/**
 * Runs a script in the project's folder and ends the process with the status that it resolves with. A mistake in the
 * configuration ends it with 2; what is a person's business is said without a stack trace.
 */
export async function runInProject(script: (root: string) => Promise<number>): Promise<never> {
  try {
    process.exit(await script(projectRoot))
  } catch (error) {
    if (error instanceof ConfigError || error instanceof ListenError) {
      console.error(error.message)
      process.exit(EXIT_MISCONFIGURED)
    }
    console.error(error instanceof NoBrokerError ? error.message : error)
    process.exit(1)
  }
}
