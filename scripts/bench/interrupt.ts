/** 128 + the number of SIGINT, as shells have it. */
const INTERRUPTED = 130

const open = new Set<() => Promise<void>>()

/** Makes sure that a benchmark that is interrupted undoes this too; gives back the function that undoes it, once. */
export function undoneOnInterrupt(undo: () => Promise<void>): () => Promise<void> {
  const once = async () => {
    if (open.delete(once)) await undo()
  }
  open.add(once)
  return once
}

/** On SIGINT or SIGTERM: ends processes, removes vhosts and folders, the last one first, and exits. */
export function undoOnInterrupt(): void {
  const end = async () => {
    // What is under way breaks when its processes and its vhost go; that must not end us before the rest is undone.
    process.on('uncaughtException', () => undefined)
    for (const undo of [...open].reverse()) await undo()
    process.exit(INTERRUPTED)
  }
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
}
