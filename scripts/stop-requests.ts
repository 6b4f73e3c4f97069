const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** A terminal sends Ctrl-C to npm and to us, and npm passes it on: what comes this soon after the first is the same request. */
const SAME_REQUEST_MS = 1_000

export type StopHandlers = {
  /** The first request: stop in order. */
  readonly stop: (signal: NodeJS.Signals) => void
  /** Another one: stop at once. */
  readonly kill: (signal: NodeJS.Signals) => void
}

/** Listens for Ctrl-C, SIGTERM and a closed terminal; disposing it gives the signals their usual meaning back. */
export function onStopRequest({ stop, kill }: StopHandlers): Disposable {
  let firstAt: number | undefined
  const hear = (signal: NodeJS.Signals) => {
    if (firstAt === undefined) {
      firstAt = Date.now()
      stop(signal)
    } else if (Date.now() - firstAt > SAME_REQUEST_MS) {
      kill(signal)
    }
  }
  for (const signal of signals) process.on(signal, hear)
  return {
    [Symbol.dispose]: () => {
      for (const signal of signals) process.off(signal, hear)
    },
  }
}
