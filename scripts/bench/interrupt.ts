import { EXIT_INTERRUPTED, listenForStop } from '../stop-requests.ts'

const open = new Set<() => Promise<void>>()

/** Makes sure that a benchmark that is interrupted undoes this too; gives back the function that undoes it, once. */
export function undoneOnInterrupt(undo: () => Promise<void>): () => Promise<void> {
  const once = async () => {
    if (open.delete(once)) await undo()
  }
  open.add(once)
  return once
}

/**
 * On Ctrl-C, SIGTERM or a closed terminal: ends processes, removes vhosts and folders, the last one first, and exits; at once when asked
 * again. The signal is aborted when that begins.
 */
export function undoOnInterrupt(): AbortSignal {
  const { signal, stopped } = listenForStop(async () => undefined)
  void stopped.then(async () => {
    // What is under way breaks when its processes and its vhost go; that must not end us before the rest is undone.
    process.on('uncaughtException', () => undefined)
    for (const undo of [...open].reverse()) await undo()
    process.exit(EXIT_INTERRUPTED)
  })
  return signal
}
