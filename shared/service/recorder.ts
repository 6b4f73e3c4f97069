/**
 * What the bus tells about its work. `tookMs` is in milliseconds; `error` is the class of what went wrong, never a message.
 * Names must come from a bounded set: queues, exchanges, and event types of the catalogue (`unknown` for any other).
 */
export interface Recorder {
  /** The broker confirmed a message (or refused it, or it was given up). */
  published(destination: string, tookMs: number, error?: string): void
  /** A delivery arrived. */
  consumed(queue: string): void
  /** A handler ended. */
  processed(queue: string, type: string, tookMs: number, error?: string): void
  /** A message was sent to wait for its next attempt. */
  retried(queue: string): void
  /** A message was moved to the dead queue. */
  dead(queue: string, reason: string): void
  /** A message was set aside, by a sideline rule with this id. */
  parked(queue: string, rule?: string): void
  /** A message had been handled before, so that nothing was done. */
  duplicate(queue: string): void
  /** A message is none of this queue's business. */
  ignored(queue: string): void
}

/** Records nothing. */
export const silentRecorder: Recorder = {
  published: () => {},
  consumed: () => {},
  processed: () => {},
  retried: () => {},
  dead: () => {},
  parked: () => {},
  duplicate: () => {},
  ignored: () => {},
}
