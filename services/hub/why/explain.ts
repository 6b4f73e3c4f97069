import { isoOf, type Line, type Link, type Tale, type Why } from './answer.ts'
import { carriedTales } from './carried-tale.ts'
import { canBePasted } from './command.ts'
import type { Facts } from './facts.ts'
import { flowCallTale, flowTale } from './flow-tale.ts'
import { groupTale } from './group-tale.ts'
import { journeyCallTale, journeyTale } from './journey-tale.ts'
import { messageTale, outboxTale, unknownTale } from './message-tale.ts'
import { objectTale } from './object-tale.ts'
import { remediationJobTale, replayTale, ruleTale } from './operator-tales.ts'
import { taskTale } from './task-tale.ts'

/** Lines of a timeline: a group of the largest size has one per member. */
export const LINES_MAX = 200
export const RELATED_MAX = 50
const COMMANDS_MAX = 10

/** Whoever can tell a tale, the most telling first: an object has a group of the same id, which is told with it. */
const tellers: readonly ((facts: Facts) => Tale | readonly Tale[] | undefined)[] = [
  objectTale,
  taskTale,
  journeyTale,
  flowTale,
  groupTale,
  journeyCallTale,
  flowCallTale,
  ruleTale,
  replayTale,
  remediationJobTale,
  carriedTales,
  messageTale,
]

/** Why something is where it is. Facts in, answer out: nothing is asked for and no clock is read. */
export function explain(facts: Facts): Why {
  const tales = tellers.flatMap((tell) => tell(facts) ?? [])
  const [tale = outboxTale(facts) ?? unknownTale(facts), ...others] = tales
  const { kind, state, summary, where, waitsFor, next, commands, lines, related, expired = [] } = tale
  const { timeline, leftOut } = timelineOf([...lines, ...outboxLines(facts)])
  const pasted = commands.filter(canBePasted)
  const trace = [...facts.conversations, ...facts.parents].find(({ traceId }) => traceId !== undefined)?.traceId
  const links = distinct([
    ...others.map(({ kind: other, state: stands, summary: why }) => ({
      kind: other,
      id: facts.id,
      state: stands,
      why,
    })),
    ...related,
  ])
  return {
    id: facts.id,
    kind,
    state,
    summary: [summary, ...(others.length > 0 ? [alsoText(others)] : [])].join(' '),
    ...(where && { where }),
    ...(waitsFor && { waitsFor }),
    ...(next && { next }),
    ...(trace !== undefined && { trace }),
    commands: [...new Map(pasted.map((one) => [one.command, one])).values()].slice(0, COMMANDS_MAX),
    timeline,
    ...(leftOut > 0 && { timelineLeftOut: leftOut }),
    related: links.slice(0, RELATED_MAX),
    ...(links.length > RELATED_MAX && { relatedLeftOut: links.length - RELATED_MAX }),
    missing: [...facts.missing, ...expired, ...(pasted.length < commands.length ? [UNSEEN_TEXT] : [])],
  }
}

const UNSEEN_TEXT =
  'commands: a name has characters that no terminal shows, so that a command which is pasted would name something else'

/** The id may be that of several things: the others are told in short. */
const alsoText = (others: readonly Tale[]) =>
  `There is also ${others.map(({ kind, state }) => `a ${kind} of this id (${state})`).join(', and ')}.`

/** What the hub has not been able to say yet. */
const outboxLines = ({ outbox, nowMs }: Facts): Line[] =>
  outbox.map(({ type, ahead }) => ({
    atMs: nowMs,
    what: `${type} waits in the hub's outbox`,
    by: 'hub',
    detail: `the broker has not confirmed it; ${ahead} before it`,
  }))

function timelineOf(lines: readonly Line[]) {
  const sorted = lines.toSorted((a, b) => a.atMs - b.atMs)
  const newest = sorted.slice(-LINES_MAX)
  return {
    timeline: newest.map(({ atMs, ...line }) => ({ at: isoOf(atMs), ...line })),
    leftOut: sorted.length - newest.length,
  }
}

const distinct = (links: readonly Link[]): readonly Link[] => [
  ...new Map(links.map((link) => [`${link.kind} ${link.id}`, link])).values(),
]
