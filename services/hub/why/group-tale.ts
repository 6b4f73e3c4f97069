import type { View } from '../conversation-view.ts'
import { type Command, isoOf, type Line, type Link, type Standing, type Tale } from './answer.ts'
import { HUB_QUEUE } from './carried-tale.ts'
import { commandFor, REASON } from './command.ts'
import { heldLinks, linesOfHistory } from './conversation-lines.ts'
import { type Facts, findLying, heldAbout, lyingAbout } from './facts.ts'
import { countsOf, errorOf, type GroupView, groupOf } from './group-view.ts'
import { linesOfHeld, standingOfHeld } from './held-standing.ts'

/** Members that are named one by one. */
export const MEMBERS_NAMED_MAX = 20

/** A group whose members complete it themselves; that of an object is told with the object. */
export function groupTale(facts: Facts): Tale | undefined {
  const found = facts.conversations.find(({ kind }) => kind === 'group')
  if (!found) return earlyTale(facts)
  const { view } = found
  const group = groupOf(view)
  if (group.completedBy === 'tasks') return undefined
  const { says, ...standing } = standingOfGroup(view, group, facts)
  const members = memberLinks(view, group, facts)
  return {
    kind: 'group',
    ...standing,
    summary: `The group ${view.id} ${says}.${heldUpBy(members)}`,
    lines: [...linesOfHistory(view), ...linesOfHeld(heldAbout(facts, view.id)), ...linesOfMembers(group)],
    related: [...members, ...heldLinks(view)],
  }
}

/** How a group stands, apart from what holds its members up. */
export function standingOfGroup(view: View, group: GroupView, facts: Facts): Standing {
  const { total, done } = countsOf(group)
  const { endedBy, resolved, due, missing, quorum } = group
  if (group.status === 'success')
    return {
      state: 'completed',
      says: `is complete since ${resolved}: ${done} of ${total} members were done`,
      commands: [],
    }
  const named = namesOf(missing)
  if (group.status === 'failure') {
    const state = endedBy === 'timeout' ? 'timed-out' : endedBy === 'cancel' ? 'cancelled' : 'failed'
    const left = endedBy === 'timeout' ? `; missing when it ended: ${named}` : ''
    return {
      state,
      says: `ended at ${resolved} with "${errorOf(group)}": ${done} of ${total} members were done${left}`,
      commands: [],
    }
  }
  const frozen = view.frozenTimers[0]
  const of =
    quorum < total
      ? `${done} of ${total} members are done, ${quorum} are enough`
      : `${done} of ${total} members are done`
  const news = newsOf(view, facts)
  return {
    state: news?.state ?? 'waiting',
    says: `waits since ${view.createdAt}: ${of}; missing: ${named}${news ? `; ${news.says}` : ''}`,
    where: news?.where ?? { service: 'hub' },
    waitsFor: { what: `results of ${named}`, ...(!frozen && { until: due }) },
    next: frozen
      ? {
          what: `its deadline stands still since ${frozen.since}, because a message of its thread is set aside; ${frozen.leftMs} ms are left`,
        }
      : { what: `it ends with "Operation timed out after ${group.ttl} seconds"`, at: due },
    commands: [...(news?.commands ?? []), ...deadlineCommands('group', view, facts)],
  }
}

/** News for a group are about the group, whichever member they are of: one that lies somewhere may be of any that is missing. */
function newsOf({ id }: View, facts: Facts): Standing | undefined {
  const [first, ...others] = lyingAbout(facts, id, HUB_QUEUE)
  if (!first) return undefined
  const standing = standingOfHeld(first, facts)
  const more = others.length > 0 ? ` (and ${others.length} more for it are held)` : ''
  return { ...standing, says: `its ${first.type ?? 'message'} ${first.messageId} ${standing.says}${more}` }
}

/** So much more than it has. */
const MORE_MS = 30 * 60_000

/** What moves a conversation that only waits. */
export function deadlineCommands(kind: string, view: View, facts: Pick<Facts, 'nowMs'>): Command[] {
  const timer = view.timers.find(({ name }) => name === 'deadline')
  return [
    ...(timer && Date.parse(timer.due) > facts.nowMs
      ? [
          commandFor('ebs timer move', timer.id, {
            options: `--to ${isoOf(Date.parse(timer.due) + MORE_MS)} ${REASON}`,
            does: 'gives it 30 minutes more',
          }),
        ]
      : []),
    commandFor(`ebs ${kind} cancel`, view.id, { options: REASON, does: 'ends it now, with an error' }),
  ]
}

/** Where missing members are, as far as messages about them lie anywhere. */
export function memberLinks({ id: of }: View, group: GroupView, facts: Facts): Link[] {
  const forGroup = lyingAbout(facts, of, HUB_QUEUE).length
  const others =
    forGroup === 0
      ? 'and no message about it, or for its group, is held'
      : `and ${forGroup === 1 ? 'one message for its group is held, which may be' : `${forGroup} messages for its group are held, which may be`} of it`
  return group.missing.slice(0, MEMBERS_NAMED_MAX).map((id) => {
    const lying = findLying(facts, id)
    const failed = group.members.find((member) => member.id === id)?.status === 'failed'
    if (!lying)
      return failed
        ? { kind: 'member', id, state: 'failed' }
        : { kind: 'member', id, state: 'missing', why: `nothing was heard of it, ${others}` }
    const { state, says } = standingOfHeld(lying, facts)
    return { kind: 'member', id, state, why: `its message ${lying.messageId} ${says}` }
  })
}

function heldUpBy(members: readonly Link[]): string {
  const held = members.filter(({ state }) => state === 'parked' || state === 'dead' || state === 'in-flight')
  const [first] = held
  return first ? ` ${first.id}: ${first.why}.` : ''
}

const linesOfMembers = ({ members }: GroupView): Line[] =>
  members.flatMap(({ id, status, at, by }) =>
    typeof at === 'string'
      ? [{ atMs: Date.parse(at), what: `${id} is ${status}`, ...(typeof by === 'string' && { by }) }]
      : [],
  )

export const namesOf = (ids: readonly string[], max = 3): string =>
  ids.length === 0
    ? 'none'
    : ids.length > max
      ? `${ids.slice(0, max).join(', ')} and ${ids.length - max} more`
      : ids.join(', ')

/** Results that came before whatever they belong to. */
function earlyTale({ id, early }: Facts): Tale | undefined {
  const [first] = early
  if (!first) return undefined
  const { kind, count, sinceMs } = first
  const since = new Date(sinceMs).toISOString()
  return {
    kind,
    state: 'waiting',
    summary: `The ${kind} ${id} has not begun: ${count} ${count === 1 ? 'event waits' : 'events wait'} for it since ${since}.`,
    where: { service: 'hub' },
    waitsFor: { what: `the event that begins the ${kind}` },
    next: { what: 'what waits is forgotten after EBS_EARLY_KEEP_MS' },
    commands: [],
    lines: [{ atMs: sinceMs, what: `the first event for it came before the ${kind} began`, by: 'hub' }],
    related: [],
  }
}
