import { z } from 'zod'
import type { Cli } from '../cli/cli.ts'
import { agreeing, pacing, pacingBody, waiting, why } from '../cli/common-options.ts'
import { assertAgreed, canAsk, confirm } from '../cli/confirm.ts'
import { type ExitCode, exitCodes, UsageError } from '../cli/exit-code.ts'
import { follow } from '../cli/follow.ts'
import { codeOf, findJob, goOnWith, type Job, progressOf, resultOf } from '../cli/job.ts'
import { asText, value } from '../cli/options.ts'
import { findRule, isChanging, type Rule, rulesPath } from '../cli/rule.ts'
import { pathOf } from '../cli/showing.ts'
import { type Verb, verb } from '../cli/verb.ts'
import { counted, lineOf } from '../cli/wording.ts'

type Act = 'resume' | 'resolve' | 'discard'

const begunSchema = z.looseObject({ id: z.string(), status: z.string(), replay: z.string().nullish() })
type Begun = z.infer<typeof begunSchema>

const common = {
  ...agreeing,
  ...waiting,
  reason: value('--reason <text>', `${why.reason.option.description}; needed, but for --dry-run`, asText),
}

const pacedVerb = (act: Act, about: { says: string; examples: readonly [string, ...string[]] }): Verb =>
  verb({
    ...{ name: `${act} <id>`, ...about, options: { ...common, ...pacing } },
    run: (cli, given, [id = '']) => runEnd(cli, act, { ...given, id, how: pacingBody(given) }),
  })

/** Verbs that bring back, or drop, what a rule holds. */
export const endVerbs = [
  pacedVerb('resume', {
    says: 'Bring back what is set aside so far; the rule goes on.',
    examples: ["ebs sideline resume acme-down --canary 1 --reason 'is their database back?'"],
  }),
  pacedVerb('resolve', {
    says: 'Lift the rule, bring back what it holds, and close it.',
    examples: [
      "ebs sideline resolve acme-down --canary 10 --rate 50 --reason 'their database is back'",
      "ebs sideline resolve acme-down --ordered --yes --reason 'their database is back'",
      'ebs sideline resolve acme-down --dry-run',
    ],
  }),
  verb({
    name: 'discard <id>',
    says: 'Lift the rule and drop what it holds, for good.',
    examples: ["ebs sideline discard acme-down --yes --reason 'test data'"],
    options: common,
    run: (cli, given, [id = '']) => runEnd(cli, 'discard', { ...given, id, how: {} }),
  }),
]

type Wish = {
  readonly id: string
  readonly reason: string | undefined
  readonly yes: boolean
  readonly dryRun: boolean
  readonly wait: boolean
  /** The pacing. */
  readonly how: object
}

const questions = {
  resume: (id: string, messages: string) => `Resume ${id} and replay ${messages}?`,
  resolve: (id: string, messages: string) => `Resolve ${id} and replay ${messages}?`,
  discard: (id: string, messages: string) => `Discard ${id} and drop ${messages}?`,
}

async function runEnd(cli: Cli, act: Act, { id, reason, yes, dryRun, wait, how }: Wish): Promise<ExitCode> {
  const hub = cli.api('hub')
  if (dryRun) {
    const rule = await findRule(hub, id)
    const done = act === 'discard' ? 'dropped' : 'replayed'
    cli.answer(
      { count: rule.parked },
      () => `${counted(rule.parked, 'message')} would be ${done}; ${id} is ${rule.status}.`,
    )
    return exitCodes.ok
  }
  if (reason === undefined) throw new UsageError("Why? Add --reason '...': it stands in the history.")
  // A resume is meant for a look, and a script that resolves means it: it drops nothing, and stops by itself when messages fail again.
  const isAgreed = yes || act === 'resume' || (act === 'resolve' && !canAsk(cli.terminal))
  assertAgreed(cli.terminal, { yes: isAgreed, what: `${act} a rule` })
  if (!isAgreed) {
    const { parked } = await findRule(hub, id)
    if (parked > 0) await confirm(cli.terminal, questions[act](id, counted(parked, 'message')))
  }
  const body = { actor: cli.actor, reason, ...how }
  const { body: begun } = await hub.post(pathOf(rulesPath, id, act), begunSchema, { body })
  if (wait) return followRule(cli, id, begun)
  cli.answer(begun, () => `${id} is ${begun.status}.`)
  if (begun.replay) cli.say(`Follow it: ebs replay watch ${begun.replay}`)
  return exitCodes.ok
}

/** A job that had stopped before is put away first: so many looks in a row show that it is this one that has stopped. */
const HALTED_LOOKS = 4

/** Follows a rule until it changes no more by itself, through as many jobs as that takes. */
async function followRule(cli: Cli, id: string, begun: Begun): Promise<ExitCode> {
  const hub = cli.api('hub')
  const ids = new Set<string>()
  let halted = 0
  const rule = await follow<Rule>(cli, {
    look: async () => {
      const seen = await findRule(hub, id)
      const jobId = seen.replay ?? begun.replay
      const job = jobId ? await findJob(hub, jobId) : undefined
      if (job) ids.add(job.id)
      halted = job && isHalted(job) ? halted + 1 : 0
      const isOver = halted >= HALTED_LOOKS || (halted === 0 && !isChanging(seen))
      return { seen, progress: job && progressOf(job), isOver }
    },
    againBy: `ebs sideline show ${id} --watch`,
  })
  // Asked once more: the last look at a job may be from before its end.
  if (rule) return tellEnd(cli, { rule, jobs: await Promise.all([...ids].map((job) => findJob(hub, job))), begun })
  if (cli.isJson) cli.answer(begun, () => '')
  return exitCodes.partly
}

const isHalted = ({ status }: Job) => status === 'stopped' || status === 'paused'

const REACHED: readonly string[] = ['active', 'closed', 'discarded']

function tellEnd(cli: Cli, { rule, jobs, begun }: { rule: Rule; jobs: readonly Job[]; begun: Begun }): ExitCode {
  const { id, status, missing, waitsFor } = rule
  cli.answer({ ...begun, status, jobs }, () =>
    [...(jobs.length === 0 ? ['Nothing was set aside.'] : jobs.map(resultOf)), `${id} is ${status}.`].join('\n'),
  )
  if (missing.length > 0) cli.say(`Not confirmed by: ${missing.map(lineOf).join(', ')}`)
  // A job that has stopped says so below.
  if (waitsFor !== undefined && !jobs.some(isHalted)) cli.say(`It waits for ${lineOf(waitsFor)}`)
  for (const hint of jobs.map(goOnWith)) if (hint !== '') cli.say(hint)
  const isWhole = jobs.every((job) => job.status === 'cancelled' || codeOf(job) === exitCodes.ok)
  return isWhole && REACHED.includes(status) ? exitCodes.ok : exitCodes.partly
}
