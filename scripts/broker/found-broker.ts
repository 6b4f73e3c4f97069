import type { Running } from '../running.ts'

/** A broker to work with. */
export type FoundBroker = {
  readonly amqpUrl: string
  /** With user and password; undefined when nobody said where it is and it was not found. */
  readonly managementUrl: string | undefined
  /** Whether it answered; one given by url may come up later. */
  readonly isUp: boolean
  /** Set when it is ours to stop at the end. */
  readonly owned?: OwnedBroker
}

export type OwnedBroker = {
  readonly running: Running
  /** Starts it again on the same ports after it died; missing where that cannot be done. */
  readonly restart?: (signal: AbortSignal) => Promise<Running>
}
