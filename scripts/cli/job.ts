import { z } from 'zod'
import type { Api } from './api.ts'
import { type ExitCode, exitCodes } from './exit-code.ts'
import type { Progress } from './job-progress.ts'
import { pathOf } from './showing.ts'
import { counted, lineOf } from './wording.ts'

const count = z.number().default(0)

/** A replay, discard or archive job as the API tells of it; whatever else it says is kept. */
export const jobSchema = z.looseObject({
  id: z.string(),
  act: z.string(),
  status: z.string(),
  /** `canary` or `ramp`. */
  phase: z.string().optional(),
  total: count,
  /** Sent, or taken away. */
  moved: count,
  handled: count,
  /** Failed at least once since they were sent. */
  failed: count,
  dead: count,
  parked: count,
  stopReason: z.string().nullish(),
})
export type Job = z.infer<typeof jobSchema>

export const findJob = (hub: Api, id: string): Promise<Job> => hub.get(pathOf('/api/replays', id), jobSchema)

export const isRunning = ({ status }: Job): boolean => status === 'running'

export function progressOf({ id, act, status, phase, total, moved, handled, failed, dead, parked }: Job): Progress {
  const of = { id, act, status, phase, total }
  if (act !== 'replay') return { ...of, settled: moved, counts: [`${moved} moved`] }
  const counts = [`${moved} released`, `${handled} handled`, `${failed} failed`]
  return { ...of, settled: handled + dead + parked, counts }
}

const DONE: Readonly<Record<string, string>> = { discard: 'discarded', archive: 'archived' }

/** What came of a job, in one sentence. */
export function resultOf(job: Job): string {
  const { id, act, status, total, moved, handled, dead, parked } = job
  const did =
    act === 'replay'
      ? `${handled.toLocaleString('en')} handled`
      : `${moved.toLocaleString('en')} ${DONE[act] ?? 'moved'}`
  const others = [
    ...(dead > 0 ? [`${dead.toLocaleString('en')} dead again`] : []),
    ...(parked > 0 ? [`${parked.toLocaleString('en')} set aside again`] : []),
    ...(status === 'completed' && moved < total ? [`${(total - moved).toLocaleString('en')} not there any more`] : []),
  ]
  return `The ${act} ${id} is ${status}: ${[did, ...others].join(', ')} of ${counted(total, 'message')}.`
}

/** How to go on with a job that is not running any more and has not done everything; empty when it has. */
export function goOnWith({ id, status, dead, parked, stopReason }: Job): string {
  const commands = {
    look: `  what came of each   ebs replay messages ${id}`,
    dead: `  those that failed   ebs replay messages ${id} --state dead`,
    resume: `  go on               ebs replay resume ${id} --reason '...'`,
    cancel: `  keep the rest       ebs replay cancel ${id} --reason '...'`,
  }
  const why = stopReason ? [`It stopped: ${lineOf(stopReason)}`] : []
  if (status === 'stopped')
    return [...why, dead > 0 ? commands.dead : commands.look, commands.resume, commands.cancel].join('\n')
  if (status === 'paused') return [...why, commands.resume, commands.cancel].join('\n')
  if (dead > 0) return commands.dead
  return parked > 0 ? commands.look : ''
}

/** 0 when the job has done all that it was to do. */
export function codeOf(job: Job): ExitCode {
  const isWhole = job.status === 'completed' && job.dead + job.parked === 0 && job.moved >= job.total
  return isWhole ? exitCodes.ok : exitCodes.partly
}
