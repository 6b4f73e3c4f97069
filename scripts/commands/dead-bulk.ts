import { z } from 'zod'
import type { Cli } from '../cli/cli.ts'
import { agreeing, pacing, pacingBody, waiting, why } from '../cli/common-options.ts'
import { assertAgreed, confirm } from '../cli/confirm.ts'
import { type ExitCode, exitCodes, NotDoneError, UsageError } from '../cli/exit-code.ts'
import { followJob } from '../cli/job-following.ts'
import { asText, flag, value } from '../cli/options.ts'
import { everything, type Selection, selecting, selectionOf } from '../cli/selection.ts'
import { type Verb, verb } from '../cli/verb.ts'
import { counted } from '../cli/wording.ts'

type Act = 'replay' | 'discard' | 'archive'

const countSchema = z.looseObject({ count: z.number(), needForce: z.number().optional() })
const begunSchema = z.looseObject({ replay: z.string(), count: z.number() })

const capitals = { replay: 'Replay', discard: 'Discard', archive: 'Archive' } as const

const common = {
  ...selecting,
  ...everything,
  ...agreeing,
  ...waiting,
  // Counting is nobody's deed: --dry-run needs no reason.
  reason: value('--reason <text>', `${why.reason.option.description}; needed, but for --dry-run`, asText),
}
const replaying = {
  ...pacing,
  force: flag('--force', 'also what is older than the inbox remembers: it may be done twice'),
}

/** A verb that acts on all dead messages that are chosen: counts, asks, starts a job and follows it. */
export function bulkVerb(act: Act, about: { says: string; examples: readonly [string, ...string[]] }): Verb {
  const name = `${act} [ids...]`
  if (act !== 'replay')
    return verb({
      ...{ name, ...about, options: common },
      run: (cli, given, ids) => runBulk(cli, act, { ...given, selection: selectionOf(ids, given), how: {} }),
    })
  return verb({
    ...{ name, ...about, options: { ...common, ...replaying } },
    run(cli, given, ids) {
      const how = { ...pacingBody(given), ...(given.force && { force: true }) }
      return runBulk(cli, act, { ...given, selection: selectionOf(ids, given), how })
    },
  })
}

type Wish = {
  readonly selection: Selection
  readonly reason: string | undefined
  readonly yes: boolean
  readonly dryRun: boolean
  readonly wait: boolean
  /** Pacing and force. */
  readonly how: object
}

async function runBulk(cli: Cli, act: Act, { selection, reason, yes, dryRun, wait, how }: Wish): Promise<ExitCode> {
  const { filter, all, words } = selection
  const path = `/api/dead/${act}`
  const body = { filter, ...(all && { all }), actor: cli.actor, reason: reason ?? 'dry run', ...how }
  const countAll = async () => (await cli.api('hub').post(path, countSchema, { body: { ...body, dryRun: true } })).body

  if (dryRun) {
    const found = await countAll()
    const old = found.needForce ? ` ${counted(found.needForce, 'message')} of them would need --force.` : ''
    cli.answer(found, () => `${counted(found.count, 'message')}${words} would be ${past[act]}.${old}`)
    return exitCodes.ok
  }
  if (reason === undefined) throw new UsageError("Why? Add --reason '...': it stands in the history.")
  assertAgreed(cli.terminal, { yes, what: `${act} messages` })
  if (!yes) {
    const { count } = await countAll()
    if (count === 0) throw new NotDoneError('No message matches: nothing was done.')
    await confirm(cli.terminal, `${capitals[act]} ${counted(count, 'message')}${words}?`)
  }
  const { body: begun } = await cli.api('hub').post(path, begunSchema, { body })
  if (wait) return followJob(cli, begun.replay, begun)
  cli.answer(begun, () => `The job ${begun.replay} is to ${act} ${counted(begun.count, 'message')}.`)
  cli.say(`Follow it: ebs replay watch ${begun.replay}`)
  return exitCodes.ok
}

const past = { replay: 'replayed', discard: 'discarded', archive: 'archived' } as const
