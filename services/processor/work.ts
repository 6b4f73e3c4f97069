import { createHash } from 'node:crypto'
import type { Clock } from '../../shared/clock.ts'
import type { Body, EbsObject, Task } from '../../shared/events.ts'

/** How long the work takes and how often it fails, for play and for tests; and the clock that it takes its time by. */
export type WorkSettings = {
  readonly clock: Clock
  readonly minMs: number
  readonly maxMs: number
  readonly failureRate: number
}
export type Run = { readonly processor: string; readonly attempt: number }

/** The work of a task failed; it may succeed at another time. */
export class WorkFailed extends Error {
  override readonly name = 'WorkFailed'
}

/** Runs a task: announces it, works, announces the end. TASK_STARTED is on its way before the work begins. */
export async function* runTask(task: Task, object: EbsObject, run: Run, settings: WorkSettings): AsyncGenerator<Body> {
  const about = { taskId: task.id, objectId: task.objectId, ...run }
  yield { type: 'TASK_STARTED', ...about }
  const startMs = performance.now()
  const result = await work(object, settings)
  yield { type: 'TASK_FINISHED', ...about, durationMs: roundMs(performance.now() - startMs), result }
}

/** Digests the content and takes a time of the configured range, as a call to another system would. */
export async function work(
  object: Pick<EbsObject, 'content'>,
  { clock, minMs, maxMs, failureRate }: WorkSettings,
): Promise<string> {
  const tookMs = minMs + Math.random() * (maxMs - minMs)
  if (tookMs > 0) await new Promise<void>((resolve) => clock.after(tookMs, resolve))
  if (Math.random() < failureRate) throw new WorkFailed(`simulated failure (EBS_TASK_FAILURE_RATE=${failureRate})`)
  return createHash('sha256').update(object.content).digest('hex')
}

/** Tenths of a millisecond: finer would be noise. */
export const roundMs = (ms: number) => Math.round(ms * 10) / 10
