import type { Message } from '../bus/broker.ts'
import { toOutboxRow } from '../bus/outbox-message.ts'
import type { OutboxRow } from '../store/store.ts'

/** What one conversation of the hub says to another; behind the messages that wait in the hub's queue it would take minutes to come. */
const heardAtOnce: ReadonlySet<string | undefined> = new Set(['REPLAY_REQUESTED', 'REPLAY_COMMAND', 'REPLAY_ENDED'])

/** What a turn sends, in order: rows for the outbox, and what its own conversations are to hear before anything else. */
export class TurnMessages {
  readonly #rows: OutboxRow[] = []
  readonly #own: Message[] = []

  /** What others hear, too, goes both ways: the copy that comes to the hub's own queue is old news by then. */
  send(...messages: readonly Message[]): void {
    for (const message of messages) {
      const isOwn = heardAtOnce.has(message.properties.type)
      if (isOwn) this.#own.push(message)
      if (!isOwn || !isDirect(message)) this.#rows.push(toOutboxRow(message))
    }
  }

  /** The next to be heard. */
  takeOwn(): Message | undefined {
    return this.#own.shift()
  }

  /** It could not be heard at once: it goes through the queue after all. */
  sendOwn(message: Message): void {
    if (isDirect(message)) this.#rows.push(toOutboxRow(message))
  }

  takeRows(): readonly OutboxRow[] {
    return this.#rows.splice(0)
  }
}

/** To the hub's queue alone, and not over the exchange. */
const isDirect = ({ exchange }: Message) => exchange === ''
