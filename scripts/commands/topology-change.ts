import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { AmqpMoveLink, lockArguments } from '../../shared/bus/amqp-move-link.ts'
import { stampedVersion, topologyVersion } from '../../shared/topology.ts'
import type { Cli } from '../cli/cli.ts'
import { why } from '../cli/common-options.ts'
import { parseDurationMs } from '../cli/duration.ts'
import { type ExitCode, exitCodes, NotDoneError } from '../cli/exit-code.ts'
import { flag, value } from '../cli/options.ts'
import { type Verb, verb } from '../cli/verb.ts'
import { counted, spanOf } from '../cli/wording.ts'
import { type Applied, applyChange } from '../topology/applying.ts'
import { type Change, planChange } from '../topology/change.ts'
import { BrokerLook } from '../topology/found.ts'
import { shownUrls, unreachable } from '../topology/reach.ts'
import { lockQueue, wantedPlan } from '../topology/wanted.ts'
import { saysAct, saysRest, saysTask } from '../topology/words.ts'

const WAIT_MS_DEFAULT = 300_000
/** What a service declares anew meanwhile is planned anew. */
const ROUNDS_MAX = 3
/** A node may hear of what was declared at another one a moment later: 2 s in all. */
const LOCK_LOOKS_MAX = 10
const LOCK_LOOK_AGAIN_MS = 200

export const changeVerbs: readonly Verb[] = [
  verb({
    name: 'plan',
    says: 'What `topology apply` would do at the broker at EBS_AMQP_URL, step by step, and what cannot be done. Changes nothing. Exits with 4 when there is something to do, with 1 when the broker cannot be asked.',
    examples: ['ebs topology plan', 'ebs topology plan -o json'],
    options: {},
    async run(cli) {
      const change = await planned(cli, lookOf(cli))
      show(cli, change)
      return isNothing(change) ? exitCodes.ok : exitCodes.partly
    },
  }),
  verb({
    name: 'apply',
    says: 'Make the broker hold what ebs declares: arguments of queues are changed without losing a message. Whatever ends it, run it again. Exits with 4 when something is left to do.',
    examples: [
      "ebs topology apply --reason 'quorum queues' --yes",
      "ebs topology apply --reason 'quorum queues' --yes --cut-consumers",
    ],
    also: why,
    options: {
      yes: flag('-y, --yes', 'do it; without it, only the plan is shown'),
      wait: value(
        '--wait <time>',
        'how long a queue is waited for (default: 5m); the seconds in which it shows that it is empty come on top',
        parseDurationMs,
      ),
      cutConsumers: flag(
        '--cut-consumers',
        'do not wait until consumers are stopped: cut them off when a queue is empty (for services with EBS_TOPOLOGY=verify)',
      ),
      removeObsolete: flag(
        '--remove-obsolete',
        'remove queues of other versions, too, if they are empty and not consumed',
      ),
    },
    run: apply,
  }),
]

type Given = {
  readonly yes: boolean
  readonly wait: number | undefined
  readonly cutConsumers: boolean
  readonly removeObsolete: boolean
  readonly reason: string
}

async function apply(cli: Cli, given: Given): Promise<ExitCode> {
  const look = lookOf(cli)
  const change = await planned(cli, look, given)
  if (!given.yes || isNothing(change)) {
    show(cli, change)
    if (isNothing(change)) return exitCodes.ok
    cli.say('Nothing was done. Add --yes to do it.')
    return exitCodes.partly
  }
  const { amqpUrl, amqpTls } = cli.config
  const link = await AmqpMoveLink.open(amqpUrl, `ebs_topology_${cli.actor}`, amqpTls).catch((error: unknown) => {
    throw unreachable(amqpUrl, error)
  })
  try {
    await lockIt(cli, { look, link, given })
    return await applyRounds(cli, { look, link, given })
  } finally {
    // It may be lost already.
    await link.close().catch(() => undefined)
  }
}

/**
 * Nobody else applies from now on, and it is the same broker that is looked at and that is changed: of another one nothing that this asks
 * would be true, above all that nobody holds a message. Throws NotDoneError otherwise.
 */
async function lockIt(cli: Cli, { look, link, given }: Round): Promise<void> {
  const shownUrl = shownUrls(cli.config.amqpUrl)
  const nonce = randomUUID()
  if (!(await link.lock(lockQueue, `${cli.actor} (${given.reason})`, nonce)))
    throw new NotDoneError(
      `Somebody else applies a topology to ${shownUrl}: ${(await look.argumentOf(lockQueue, lockArguments.holder)) ?? 'unknown'}. Wait for it; nothing was done.`,
    )
  for (let looks = 1; (await look.argumentOf(lockQueue, lockArguments.nonce)) !== nonce; looks++) {
    if (looks === LOCK_LOOKS_MAX)
      throw new NotDoneError(
        `The management API at EBS_AMQP_MANAGEMENT_URL is that of another broker than ${shownUrl}: it does not know the queue ${lockQueue}, which this holds there. Correct one of the two; nothing was done.`,
      )
    await pause(LOCK_LOOK_AGAIN_MS)
  }
  const alarms = await look.alarms()
  if (alarms.length > 0)
    throw new NotDoneError(
      `The broker takes no messages: ${alarms.join(', ')}. Give it room first, also for what is moved, which is there twice; nothing was done.`,
    )
}

type Round = { readonly look: BrokerLook; readonly link: AmqpMoveLink; readonly given: Given }

/** Until there is nothing to do, or what is left needs a person. The state is the broker's alone. */
async function applyRounds(cli: Cli, { look, link, given }: Round): Promise<ExitCode> {
  const startMs = performance.now()
  let moved = 0
  let left: Applied['left'] = []
  const waitMs = given.wait ?? WAIT_MS_DEFAULT
  const blocked = link.blockedFor(waitMs, cli.say)
  let change = await planned(cli, look, given)
  const { refused, obsolete } = change
  if (!cli.isJson) show(cli, change)
  for (let round = 0; round < ROUNDS_MAX && change.tasks.length > 0; round++) {
    const applying = applyChange(change, {
      ...{ link, look, waitMs, isCutting: given.cutConsumers },
      onAct: ({ name }, act) => cli.say(`${name}: ${saysAct(act)}`),
      say: cli.say,
    })
    const applied = await Promise.race([applying, blocked]).catch((error: unknown) => {
      const text = error instanceof Error ? error.message : String(error)
      throw new NotDoneError(`It ended in the middle (${text}). Nothing is lost: run it again, and it goes on.`, {
        cause: error,
      })
    })
    moved += applied.moved
    left = applied.left
    change = await planned(cli, look, given)
    if (left.some(({ isMoot }) => !isMoot)) break
  }
  const tookMs = Math.round(performance.now() - startMs)
  const rest = change.tasks.map(({ name }) => name)
  const result = { reason: given.reason, actor: cli.actor, moved, tookMs, left, rest, refused, obsolete }
  cli.answer(result, () =>
    [
      ...left.map(({ name, why: reason }) => `Left: ${name}: ${reason}.`),
      `${rest.length === 0 ? 'Done' : `Partly done: ${counted(rest.length, 'queue')} left`}, after ${spanOf(tookMs)}. ${counted(moved, 'message')} moved.${rest.length === 0 ? '' : ' Run it again: it goes on from here.'}`,
    ].join('\n'),
  )
  return rest.length === 0 && refused.length === 0 ? exitCodes.ok : exitCodes.partly
}

function lookOf({ config }: Cli): BrokerLook {
  if (config.amqpManagementUrl === undefined)
    throw new NotDoneError(
      'Only the management API tells what a broker holds: EBS_AMQP_MANAGEMENT_URL says where it is.',
    )
  return new BrokerLook({ amqpUrl: config.amqpUrl, managementUrl: config.amqpManagementUrl })
}

async function planned(cli: Cli, look: BrokerLook, { removeObsolete = false } = {}): Promise<Change> {
  const found = await look.all()
  const newest = Math.max(...found.exchanges.map(({ name }) => stampedVersion(name) ?? 0))
  if (newest > topologyVersion)
    throw new NotDoneError(
      `The broker was made for topology ${newest} by a newer ebs; this one knows topology ${topologyVersion} and would undo it. Use the newer one.`,
    )
  return planChange(wantedPlan(cli.config.queueType, found), found, { removeObsolete })
}

const isNothing = ({ tasks, refused }: Change) => tasks.length === 0 && refused.length === 0

function show(cli: Cli, change: Change): void {
  const { tasks, refused, obsolete } = change
  const steps = tasks.map((task) => ({ ...task, steps: task.acts.map(saysAct) }))
  cli.answer({ tasks: steps, refused, obsolete }, () => {
    const nothing = isNothing(change) ? ['Nothing to do: the broker holds what ebs declares.'] : []
    return [...nothing, ...tasks.map(saysTask), ...saysRest(change)].join('\n')
  })
}
