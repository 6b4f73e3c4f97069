import { idOfUse } from '../../../shared/flow/sideline-state.ts'
import type { Held } from '../../../shared/store/held-messages.ts'
import { INBOX_KEEP_MS } from '../../../shared/store/inbox-retention.ts'
import { type Command, cut, isoOf, type Line, type Standing } from './answer.ts'
import { commandFor, REASON } from './command.ts'
import type { Facts, RuleFact } from './facts.ts'

/** How a message stands that was set aside, or is dead. */
export function standingOfHeld(held: Held, facts: Pick<Facts, 'rules' | 'nowMs'>): Standing {
  switch (held.state) {
    case 'chosen':
      return chosenStanding(held)
    case 'held':
      return held.rule === null ? deadStanding(held, facts) : parkedStanding(held, held.rule, facts)
    case 'released':
      return {
        state: 'in-flight',
        says: `was brought back to ${queueOf(held)} by the job ${held.job} at ${isoOf(held.changedAtMs)}, and has not been handled yet`,
        where: { queue: queueOf(held) },
        next: { what: 'it is handled, between live messages' },
        commands: jobCommands(held, 'shows the job and how far it is'),
      }
    case 'handled':
      return {
        state: 'completed',
        says: `was brought back by the job ${held.job} and handled by ${isoOf(held.changedAtMs)}`,
        commands: [],
      }
    case 'dead':
    case 'parked':
      return {
        state: held.state,
        says: `came back by the job ${held.job} and ${held.state === 'dead' ? 'failed for good again' : 'was set aside again'}`,
        commands: [],
      }
    case 'discarded':
    case 'archived':
      return {
        state: 'discarded',
        says: `was ${held.state === 'archived' ? 'put into the archive' : 'dropped'} by the job ${held.job} at ${isoOf(held.changedAtMs)}, and will not come back`,
        commands: jobCommands(held, 'shows who did it, and why'),
      }
    case 'gone':
      return {
        state: 'unknown',
        says: `lay in ${held.place} and is not there any more since ${isoOf(held.changedAtMs)}: somebody took it out by other means than ebs`,
        commands: [],
      }
  }
}

function parkedStanding(held: Held, use: string, { rules }: Pick<Facts, 'rules'>): Standing {
  const rule = idOfUse(use)
  const fact = rules.get(rule)
  const whose = fact ? ` (${fact.actor}: ${fact.reason})` : ''
  return {
    state: 'parked',
    says: `is parked by the rule ${rule}${whose} since ${isoOf(held.heldAtMs)}`,
    where: { queue: queueOf(held), rule, place: held.place },
    ...standingOfRule(rule, fact),
  }
}

/** What moves what a rule holds, by what the rule is about to do: only what would not be refused. */
export function standingOfRule(
  rule: string,
  fact: RuleFact | undefined,
): Pick<Standing, 'waitsFor' | 'next' | 'commands'> {
  const show = commandFor('ebs sideline show', rule, { does: 'shows the rule, and how much it holds' })
  if (!fact)
    return {
      waitsFor: { what: `somebody to see to the rule ${rule}, of which the hub has told nothing` },
      commands: [show],
    }
  if (fact.status === 'closed' || fact.status === 'discarded')
    return {
      waitsFor: { what: `somebody to start the rule ${rule} again, which is ${fact.status}, and to end it then` },
      commands: [show],
    }
  const isBusy = BUSY.has(fact.status) && !fact.waitsFor?.startsWith(STUCK)
  if (isBusy)
    return {
      waitsFor: { what: `the rule ${rule}, which is ${fact.status}` },
      next: {
        what:
          fact.waitsFor === undefined
            ? `the rule does what it is about`
            : `the rule goes on: it waits for ${fact.waitsFor}`,
      },
      commands: [show],
    }
  const end =
    fact.status === 'discarding'
      ? commandFor('ebs sideline discard', rule, { options: REASON, does: 'goes on with dropping what it holds' })
      : commandFor('ebs sideline resolve', rule, {
          options: REASON,
          does: 'ends the rule and brings back what it holds',
        })
  return { waitsFor: { what: `somebody to end the rule ${rule}` }, commands: [end, show] }
}

/** A rule that is on its way to its end goes on by itself, unless it waits for a person. */
const BUSY: ReadonlySet<string> = new Set(['resolving', 'draining', 'discarding'])
/** How it says that it does. */
const STUCK = 'somebody to act'

const jobCommands = ({ job }: Held, does: string): readonly Command[] =>
  job === null ? [] : [commandFor('ebs replay show', job, { does })]

/** A job has it on its list: nobody else may touch it. */
function chosenStanding(held: Held): Standing {
  const { place, queue, rule, job } = held
  const lies = rule === null ? 'is dead' : `is parked by the rule ${idOfUse(rule)}`
  return {
    state: rule === null ? 'dead' : 'parked',
    says: `${lies} since ${isoOf(held.heldAtMs)}${rule === null ? becauseOf(held) : ''}, and is on the list of the job ${job}`,
    where: { ...(queue !== null && { queue }), ...(rule !== null && { rule: idOfUse(rule) }), place },
    waitsFor: { what: `the job ${job}` },
    next: { what: `the job ${job} moves it: it says where to` },
    commands: jobCommands(held, 'shows what the job does with it, and how far it is'),
  }
}

function deadStanding(held: Held, { nowMs }: Pick<Facts, 'nowMs'>): Standing {
  const { id, place, queue, heldAtMs } = held
  const isOld = heldAtMs < nowMs - INBOX_KEEP_MS
  return {
    state: 'dead',
    says: `is dead since ${isoOf(heldAtMs)}${becauseOf(held)}`,
    where: { ...(queue !== null && { queue }), place },
    waitsFor: { what: 'somebody to bring it back, or to drop it: it will not come back by itself' },
    commands: [
      commandFor('ebs dead replay', id, {
        options: isOld ? `--force ${REASON}` : REASON,
        does: isOld
          ? 'brings it back to its queue; it is so old that nobody knows whether it was handled before: look first'
          : 'brings it back to its queue',
      }),
      commandFor('ebs dead show', id, { does: 'shows the message with its body and error' }),
      commandFor('ebs dead discard', id, { options: REASON, does: 'drops it' }),
    ],
  }
}

function becauseOf({ error, reason, attempts }: Held): string {
  const tries = attempts === null ? '' : ` after ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`
  return `${tries} (${reason}${error === null ? '' : `: ${cut(error)}`})`
}

/** What happened to a message, as the catalogue has it. */
export function linesOfHeld(all: readonly Held[]): Line[] {
  return all.flatMap((held) => {
    const { heldAtMs, changedAtMs, firstFailedAtMs, rule, place, reason, error, state, job } = held
    const message = held.type ?? 'a message'
    const begun: Line =
      rule === null
        ? {
            atMs: heldAtMs,
            what: `${message} went to ${place}`,
            detail: [reason, ...(error === null ? [] : [cut(error)])].join(': '),
          }
        : { atMs: heldAtMs, what: `${message} was parked`, by: `rule ${idOfUse(rule)}`, detail: place }
    return [
      ...(firstFailedAtMs === null ? [] : [{ atMs: firstFailedAtMs, what: `${message} failed for the first time` }]),
      begun,
      ...(state === 'held' || changedAtMs <= heldAtMs
        ? []
        : [{ atMs: changedAtMs, what: `${message}: ${BECAME[state]}`, ...(job !== null && { by: `job ${job}` }) }]),
    ]
  })
}

const BECAME = {
  chosen: 'chosen by a job that will move it',
  released: 'sent back to its queue',
  handled: 'handled after it came back',
  dead: 'failed for good again',
  parked: 'set aside again',
  discarded: 'dropped',
  archived: 'put into the archive',
  gone: 'found to be in its place no more',
} as const

/** What no queue wanted lies in its place, and belongs to none. */
const queueOf = ({ queue, place }: Held) => queue ?? place
