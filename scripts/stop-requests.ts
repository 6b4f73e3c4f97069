const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** A terminal sends Ctrl-C to npm and to us, and npm passes it on: what comes this soon after the first is the same request. */
const SAME_REQUEST_MS = 1_000

/** What a shell reports of a command that Ctrl-C ended. */
export const EXIT_INTERRUPTED = 130

export type StopRequests = Disposable & {
  /** Aborted by the first request: stop in order. */
  readonly signal: AbortSignal
  /** Resolves at the first request. */
  readonly stopped: Promise<void>
  /** The exit status: `otherwise`, unless a second request cut everything short. */
  exitStatus(otherwise: number): number
}

/**
 * Listens for Ctrl-C, SIGTERM and a closed terminal. At the second request `kill` ends what runs, and then the process ends.
 * Disposing it gives the signals their usual meaning back.
 */
export function listenForStop(kill: () => Promise<void>): StopRequests {
  const stopping = new AbortController()
  let firstAt = 0
  let isKilling = false
  const killAll = async () => {
    isKilling = true
    await kill()
    process.exit(EXIT_INTERRUPTED)
  }
  const hear = () => {
    if (!stopping.signal.aborted) {
      firstAt = Date.now()
      stopping.abort()
    } else if (Date.now() - firstAt > SAME_REQUEST_MS) {
      void killAll()
    }
  }
  for (const signal of signals) process.on(signal, hear)
  return {
    signal: stopping.signal,
    stopped: new Promise((resolve) => stopping.signal.addEventListener('abort', () => resolve())),
    exitStatus: (otherwise) => (isKilling ? EXIT_INTERRUPTED : otherwise),
    [Symbol.dispose]: () => {
      for (const signal of signals) process.off(signal, hear)
    },
  }
}
