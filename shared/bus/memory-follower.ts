import type { Follower, Received } from './broker.ts'
import type { MemoryStream } from './memory-stream.ts'

type Options = {
  readonly stream: string
  readonly onMessage: (message: Received) => void
  readonly onBegin?: (() => void) | undefined
  readonly onStopped: (follower: MemoryFollower) => void
}

/** One reader of one stream, which begins with the first message on each connection. */
export class MemoryFollower implements Follower {
  readonly stream: string
  readonly #options: Options
  #leave: (() => void) | undefined
  #onAttached: () => void = () => undefined
  /** Resolves when the end was reached for the first time. */
  readonly attached = new Promise<void>((resolve) => {
    this.#onAttached = resolve
  })

  constructor(options: Options) {
    this.#options = options
    this.stream = options.stream
  }

  /** It reads on this connection, to the end or not yet. */
  get isAttached(): boolean {
    return this.#leave !== undefined
  }

  /** The connection is there. `onEnd` is called when everything that was in the stream has been read. */
  attach(stream: MemoryStream, { onEnd, onGone }: { readonly onEnd: () => void; readonly onGone: () => void }): void {
    this.#options.onBegin?.()
    this.#leave = stream.follow({
      deliver: (message) => this.#options.onMessage(message),
      onEnd: () => {
        this.#onAttached()
        onEnd()
      },
      onGone,
    })
  }

  /** The connection is gone. */
  detach(): void {
    this.#leave?.()
    this.#leave = undefined
  }

  async stop(): Promise<void> {
    this.detach()
    this.#options.onStopped(this)
  }
}
