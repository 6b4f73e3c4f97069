import { z } from 'zod'
import { REMEDIATION_JOB, REPLAY, SIDELINE } from '../operations.ts'
import type { Command, Tale, WhyState } from './answer.ts'
import { commandFor, REASON } from './command.ts'
import { linesOfHistory } from './conversation-lines.ts'
import type { Facts } from './facts.ts'
import { standingOfRule } from './held-standing.ts'

/** Of the view of a rule. */
const ruleSchema = z.looseObject({
  status: z.string(),
  filter: z.string(),
  queues: z.array(z.string()),
  actor: z.string(),
  reason: z.string(),
  since: z.string(),
  expiresAt: z.string().optional(),
  waitsFor: z.string().optional(),
  replay: z.string().optional(),
  missing: z.array(z.string()).default([]),
})

/** A sideline rule: what it does, and what it waits for. */
export function ruleTale({ id, conversations }: Facts): Tale | undefined {
  const found = conversations.find(({ kind }) => kind === SIDELINE)
  if (!found) return undefined
  const { status, filter, queues, actor, reason, since, expiresAt, waitsFor, replay } = ruleSchema.parse(found.view)
  const isOver = found.view.endedAt !== null
  const does = isOver
    ? `is ${status} since ${found.view.endedAt}`
    : `is ${status} since ${since}: it sets aside what matches ${filter} in ${queues.join(', ')}`
  const wait = waitsFor ?? (isOver ? undefined : 'somebody to end it')
  return {
    kind: 'rule',
    state: isOver ? 'completed' : status === 'active' ? 'in-flight' : 'waiting',
    summary: `The rule ${id} (${actor}: ${reason}) ${does}.${waitsFor === undefined ? '' : ` It waits for ${waitsFor}.`}`,
    ...(!isOver && { where: { service: 'hub', rule: id } }),
    ...(wait !== undefined && { waitsFor: { what: wait } }),
    ...(expiresAt !== undefined && !isOver && { next: { what: 'it resolves itself', at: expiresAt } }),
    commands: isOver
      ? []
      : [
          ...standingOfRule(id, { status, actor, reason, waitsFor }).commands,
          commandFor('ebs sideline messages', id, { does: 'lists what it holds' }),
        ],
    lines: linesOfHistory(found.view),
    related:
      replay === undefined ? [] : [{ kind: 'job', id: replay, state: status, why: 'brings back what the rule holds' }],
  }
}

/** Of the view of a job that brings messages back. */
const replaySchema = z.looseObject({
  act: z.string(),
  actor: z.string(),
  reason: z.string(),
  rule: z.string().optional(),
  ...{ total: z.number(), moved: z.number(), handled: z.number(), failed: z.number() },
  waitsFor: z.string().optional(),
})

const JOB_STATES: Readonly<Record<string, WhyState>> = {
  running: 'in-flight',
  paused: 'waiting',
  stopped: 'waiting',
  completed: 'completed',
  cancelled: 'cancelled',
}

/** A job over messages. */
export function replayTale({ id, conversations }: Facts): Tale | undefined {
  const found = conversations.find(({ kind }) => kind === REPLAY)
  if (!found) return undefined
  const { act, actor, reason, rule, total, moved, handled, failed, waitsFor } = replaySchema.parse(found.view)
  const { status } = found.view
  const going: Command[] = [
    commandFor('ebs replay watch', id, { does: 'follows it' }),
    commandFor('ebs replay cancel', id, { options: REASON, does: 'ends it; what is not moved yet stays where it is' }),
  ]
  const halted = commandFor('ebs replay resume', id, { options: REASON, does: 'lets it go on' })
  return {
    kind: 'job',
    state: JOB_STATES[status] ?? 'in-flight',
    summary: `The job ${id} (${act}, ${actor}: ${reason}) is ${status}: ${moved} of ${total} messages are moved, ${handled} handled, ${failed} failed again.`,
    ...(status === 'running' && { where: { service: 'hub' }, next: { what: 'it moves the rest' } }),
    ...(waitsFor !== undefined && { waitsFor: { what: waitsFor } }),
    commands: found.view.endedAt !== null ? [] : status === 'running' ? going : [halted, ...going],
    lines: linesOfHistory(found.view),
    related:
      rule === undefined
        ? []
        : [{ kind: 'rule', id: rule.replace(/#.*$/s, ''), state: 'unknown', why: 'it had set them aside' }],
  }
}

/** Of the view of a job over journeys. */
const jobSchema = z.looseObject({ act: z.string().default('a decision') })

/** A job over journeys that need a person. */
export function remediationJobTale({ id, conversations }: Facts): Tale | undefined {
  const found = conversations.find(({ kind }) => kind === REMEDIATION_JOB)
  if (!found) return undefined
  const { status, endedAt } = found.view
  const { act } = jobSchema.parse(found.view)
  return {
    kind: 'job',
    state: JOB_STATES[status] ?? (endedAt === null ? 'in-flight' : 'completed'),
    summary: `The job ${id} (${act} of journeys) is ${status}${endedAt === null ? '' : ` since ${endedAt}`}.`,
    ...(endedAt === null && { where: { service: 'hub' } }),
    commands: [commandFor('ebs remediation jobs show', id, { does: 'shows what came of each journey' })],
    lines: linesOfHistory(found.view),
    related: [],
  }
}
