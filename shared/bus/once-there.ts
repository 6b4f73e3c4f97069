import type { Logger } from 'pino'
import { ClosedError } from './broker.ts'

/**
 * What is being opened, or undefined as long as it is not there: for a service that works while the broker is away. A broker that is
 * closed before it was ever there is no trouble; any other failure is logged, with what cannot be done for it.
 */
export function onceThere<T>(opening: Promise<T>, log: Pick<Logger, 'error'>, failed: string): () => T | undefined {
  let there: T | undefined
  opening.then(
    (opened) => {
      there = opened
    },
    (error: unknown) => {
      if (!(error instanceof ClosedError)) log.error({ err: error }, failed)
    },
  )
  return () => there
}
