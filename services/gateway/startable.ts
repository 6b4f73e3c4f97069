import type { Event } from '../../shared/bus/envelope.ts'
import type { Body } from '../../shared/events.ts'
import type { Subject, View } from './asking.ts'

/** What clients can have started, and how to learn what became of it. `E` is how it ended, also that it was refused. */
export type Startable<E> = {
  /** As the hub knows it. */
  readonly subject: Subject
  /** Asks the hub to start it; asked again, it is the same one. */
  readonly body: Body
  readonly tenant?: string
  /** Its id is not a new one: somebody may have asked for another one under it. */
  readonly mayBeTaken: boolean
  /** What a client can do that was not told whether it was started. */
  readonly advice: string
  /** How this event ends it; undefined for any other event, because a client may use one correlation id for several. */
  endBy(event: Event): E | undefined
  /** How it ended, by what the hub shows under its id; undefined while it goes on. */
  findEnd(view: View): E | undefined
  /** The refusal, when what the hub shows is another one with its id. */
  findConflict(view: View): E | undefined
}

/** `flow order-7`, as people are told of it. */
export const nameOf = ({ subject: { kind, id } }: Pick<Startable<unknown>, 'subject'>) => `${kind} ${id}`
