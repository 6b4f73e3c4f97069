import type { Cli } from './cli.ts'
import { type ExitCode, exitCodes } from './exit-code.ts'
import { follow } from './follow.ts'
import { codeOf, findJob, goOnWith, isRunning, type Job, progressOf, resultOf } from './job.ts'

/** Follows a job to its end and says what came of it; `answer` is what the API said when the job was started. */
export async function followJob(cli: Cli, id: string, answer: object = {}): Promise<ExitCode> {
  const hub = cli.api('hub')
  let last: Job | undefined
  const job = await follow<Job>(cli, {
    look: async () => {
      last = await findJob(hub, id)
      return { seen: last, progress: progressOf(last), isOver: !isRunning(last) }
    },
    againBy: `ebs replay watch ${id}`,
  })
  if (job) return tellJob(cli, job, { ...answer, job })
  if (cli.isJson) cli.answer({ ...answer, job: last }, () => '')
  return exitCodes.partly
}

/** Prints what came of a job, and how to go on when something is left. */
function tellJob(cli: Cli, job: Job, answer: object): ExitCode {
  cli.answer(answer, () => resultOf(job))
  const hint = goOnWith(job)
  if (hint !== '') cli.say(hint)
  return codeOf(job)
}
