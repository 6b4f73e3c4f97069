import { isoOf, type Tale } from './answer.ts'
import { type Facts, findLying, heldAbout } from './facts.ts'
import { linesOfHeld, standingOfHeld } from './held-standing.ts'

/** A message, by its own id or by that of a time it was dead or set aside. */
export function messageTale(facts: Facts): Tale | undefined {
  const { id } = facts
  const all = heldAbout(facts, id).filter((held) => held.id === id || held.messageId === id)
  const now = findLying({ held: new Map([[id, all]]) }, id) ?? all[0]
  if (!now) return undefined
  const { says, ...standing } = standingOfHeld(now, facts)
  return {
    kind: 'message',
    ...standing,
    summary: `The message ${now.messageId} (${now.type ?? 'of no known type'}) ${says}.`,
    lines: linesOfHeld(all),
    related: [
      ...(now.subject === undefined
        ? []
        : [{ kind: 'subject', id: now.subject, state: 'unknown', why: 'what the message is about' }]),
      ...(now.correlationId === null || now.correlationId === now.subject
        ? []
        : [{ kind: 'thread', id: now.correlationId, state: 'unknown', why: 'what the message belongs to' }]),
    ],
  }
}

/** What the hub is about to say of it: its own announcement waits for the broker. */
export function outboxTale({ id, outbox }: Facts): Tale | undefined {
  const [first] = outbox
  if (!first) return undefined
  return {
    kind: 'message',
    state: 'accepted',
    summary: `${first.type} about ${id} is in the hub's outbox: the broker has not confirmed it (${first.ahead} before it).`,
    where: { service: 'hub', place: 'outbox', ahead: first.ahead },
    waitsFor: { what: 'the broker' },
    next: { what: 'it is published as soon as the broker takes it' },
    commands: [
      { command: 'ebs status', does: 'shows whether the hub reaches the broker, and how much is in its outbox' },
    ],
    lines: [],
    related: [],
  }
}

/** What is said when nobody knows the id. */
export function unknownTale({ id, nowMs, missing }: Facts): Tale {
  const madeMs = timeIn(id)
  const made = madeMs === undefined || madeMs > nowMs ? '' : ` By its time it was made at ${isoOf(madeMs)}.`
  const who = missing.length > 0 ? 'Of those who answered nobody knows' : 'Nobody knows'
  return {
    kind: 'unknown',
    state: 'unknown',
    summary: `${who} ${id}: it never was, it is a message that is on its way without trouble, or it is forgotten.${made}`,
    commands: [{ command: 'ebs status', does: 'shows which services run, and what waits' }],
    lines: [],
    related: [],
    expired: [
      'what is over is forgotten: conversations after EBS_HUB_KEEP_HOURS (those that failed: EBS_HUB_KEEP_FAILED_HOURS), rows of statistics after EBS_STATISTICS_KEEP_DAYS, messages that were dead or set aside some time after they were dealt with',
    ],
  }
}

/** A UUID that sorts by time begins with ms since 1970. */
function timeIn(id: string): number | undefined {
  const [, high, low] = /^([0-9a-f]{8})-([0-9a-f]{4})-[78][0-9a-f]{3}-/.exec(id) ?? []
  return high === undefined || low === undefined ? undefined : Number.parseInt(high + low, 16)
}
