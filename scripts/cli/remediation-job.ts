import { z } from 'zod'
import type { Api } from './api.ts'
import type { Cli } from './cli.ts'
import { type ExitCode, exitCodes } from './exit-code.ts'
import { follow } from './follow.ts'
import type { Progress } from './job-progress.ts'
import { pathOf } from './showing.ts'
import { counted, lineOf } from './wording.ts'

export const remediationJobsPath = '/api/remediation/jobs'

const count = z.number().default(0)
const jobSchema = z.looseObject({
  id: z.string(),
  act: z.string(),
  status: z.string(),
  total: count,
  done: count,
  refused: count,
  refusals: z.array(z.looseObject({ sagaId: z.string(), reason: z.string() })).default([]),
})
/** A job that decides the same about many journeys, as the API tells of it; whatever else it says is kept. */
type Job = z.infer<typeof jobSchema>

/** Refusals that are told by themselves; the job shows more. */
const REFUSALS_SAID = 3

const findJob = (hub: Api, id: string): Promise<Job> => hub.get(pathOf(remediationJobsPath, id), jobSchema)

const progressOf = ({ id, act, status, total, done, refused }: Job): Progress => ({
  ...{ id, act, status, total, settled: done + refused },
  counts: [`${done} done`, `${refused} refused`],
})

/** Follows a job to its end and says what came of it; `answer` is what the API said when the job was started. */
export async function followRemediation(cli: Cli, id: string, answer: object = {}): Promise<ExitCode> {
  const hub = cli.api('hub')
  let last: Job | undefined
  const job = await follow<Job>(cli, {
    look: async () => {
      last = await findJob(hub, id)
      return { seen: last, progress: progressOf(last), isOver: last.status !== 'running' }
    },
    againBy: `ebs remediation jobs watch ${id}`,
  })
  if (job) return tellJob(cli, job, answer)
  if (cli.isJson) cli.answer({ ...answer, job: last }, () => '')
  return exitCodes.partly
}

function tellJob(cli: Cli, job: Job, answer: object): ExitCode {
  const { id, act, status, total, done, refused, refusals } = job
  cli.answer(
    { ...answer, job },
    () =>
      `The ${act} ${id} is ${status}: ${done.toLocaleString('en')} done, ${refused.toLocaleString('en')} refused of ${counted(total, 'journey')}.`,
  )
  for (const { sagaId, reason } of refusals.slice(0, REFUSALS_SAID)) cli.say(`  ${sagaId}: ${lineOf(reason)}`)
  if (refused > REFUSALS_SAID) cli.say(`  why others refused  ebs remediation jobs show ${id}`)
  return status === 'completed' && refused === 0 && done >= total ? exitCodes.ok : exitCodes.partly
}
