import { join } from 'node:path'
import Database from 'better-sqlite3'

const FINISHED = "SELECT value FROM statistics WHERE metric = 'tasks_finished'"
const COMPLETED = "SELECT value FROM statistics WHERE metric = 'objects_completed'"
const FINISHED_OF = 'SELECT count(*) FROM tasks WHERE object_id = ? AND finished_at IS NOT NULL'

/** What a user sees of `stats.db` with sqlite3; the same questions for both sides. */
export type Look = {
  finishedTasks(): number
  finishedTasksOf(objectId: string): number
  /** Only where a hub runs. */
  completedObjects(): number
}

/**
 * Looks into `stats.db` from outside, after each commit, but not more often than every `pollMs`, until the callback
 * answers true. Rejects after `timeoutMs`.
 */
export async function watchStatistics(
  dataDir: string,
  options: { readonly pollMs: number; readonly timeoutMs: number },
  isOver: (look: Look) => boolean,
): Promise<void> {
  const db = new Database(join(dataDir, 'stats.db'), { readonly: true, fileMustExist: true })
  const giveUpAt = performance.now() + options.timeoutMs
  try {
    const finished = db.prepare(FINISHED).pluck()
    const completed = db.prepare(COMPLETED).pluck()
    const finishedOf = db.prepare(FINISHED_OF).pluck()
    const look: Look = {
      finishedTasks: () => Number(finished.get() ?? 0),
      finishedTasksOf: (objectId) => Number(finishedOf.get(objectId)),
      completedObjects: () => Number(completed.get() ?? 0),
    }
    let seen: unknown
    for (;;) {
      // Asking only whether the file changed costs microseconds.
      const version = db.pragma('data_version', { simple: true })
      if (version !== seen && isOver(look)) return
      seen = version
      if (performance.now() > giveUpAt)
        throw new Error(
          `After ${options.timeoutMs} ms statistics holds ${look.finishedTasks()} finished tasks and ${look.completedObjects()} completed objects.`,
        )
      await new Promise((resolve) => setTimeout(resolve, options.pollMs))
    }
  } finally {
    db.close()
  }
}
