import { existsSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'

const FINISHED = 'SELECT count(*) FROM tasks WHERE finished_at IS NOT NULL'
const FINISHED_OBJECTS =
  'SELECT object_id FROM tasks WHERE finished_at IS NOT NULL GROUP BY object_id HAVING count(*) = ?'
/** The resolution of every latency here; asking only whether the file changed costs microseconds. */
const POLL_MS = 1

/**
 * Looks into `stats.db` of either side from outside, as a user would with sqlite3. Calls back after every commit until
 * it answers true; rejects after `timeoutMs`.
 */
export async function watchStatistics(
  dataDir: string,
  timeoutMs: number,
  onChange: (look: { finishedTasks(): number; finishedObjects(tasks: number): readonly unknown[] }) => boolean,
): Promise<void> {
  const path = join(dataDir, 'stats.db')
  const giveUpAt = performance.now() + timeoutMs
  if (!existsSync(path)) throw new Error(`${path} is not there, although statistics said that it is ready.`)
  const db = new Database(path, { readonly: true })
  try {
    const finishedTasks = db.prepare(FINISHED).pluck()
    const finishedObjects = db.prepare(FINISHED_OBJECTS).pluck()
    const look = {
      finishedTasks: () => Number(finishedTasks.get()),
      finishedObjects: (tasks: number) => finishedObjects.all(tasks),
    }
    let seen: unknown
    for (;;) {
      const version = db.pragma('data_version', { simple: true })
      if (version !== seen && onChange(look)) return
      seen = version
      if (performance.now() > giveUpAt)
        throw new Error(`After ${timeoutMs} ms statistics holds ${look.finishedTasks()} finished tasks and no more.`)
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  } finally {
    db.close()
  }
}
