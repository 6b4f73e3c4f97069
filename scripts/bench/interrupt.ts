import { EXIT_INTERRUPTED, listenForStop } from '../stop-requests.ts'

const EXIT_FAILED = 1

const open = new Set<() => Promise<void>>()

/** Makes sure that a benchmark that is interrupted, or ends by an error, undoes this too; gives back the function that undoes it, once. */
export function undoneOnInterrupt(undo: () => Promise<void>): () => Promise<void> {
  const once = async () => {
    if (open.delete(once)) await undo()
  }
  open.add(once)
  return once
}

/**
 * On Ctrl-C, SIGTERM or a closed terminal, and after an error that nobody caught: ends processes, removes vhosts and folders, the last one
 * first, and exits; at once when asked again. The signal is aborted when somebody asks.
 */
export function undoOnInterrupt(): AbortSignal {
  const { signal, stopped } = listenForStop(async () => undefined)
  let isEnding = false
  const end = async (status: number) => {
    isEnding = true
    // One that cannot be undone must not keep the others.
    for (const undo of [...open].reverse()) await undo().catch((error: unknown) => console.error(error))
    process.exit(status)
  }
  process.on('uncaughtException', (error) => {
    // What is under way breaks when its processes and its vhost go; that must not end us before the rest is undone.
    if (isEnding) return
    console.error(error)
    void end(EXIT_FAILED)
  })
  void stopped.then(() => end(EXIT_INTERRUPTED))
  return signal
}
