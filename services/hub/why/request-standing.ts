import type { Standing, WhyState } from './answer.ts'
import { type Facts, lyingAbout } from './facts.ts'
import { standingOfHeld } from './held-standing.ts'
import { standingInQueue } from './queue-standing.ts'

/** What a conversation has asked for in one queue: a call or a step. */
export type Asking = { readonly isOpen: boolean; readonly attempts: readonly { readonly endedAt: string }[] }

/** An attempt that waits for its answer, and what else its conversation asks for in the same queue. */
export type Request = Pick<Asking, 'attempts'> & {
  readonly of: { readonly kind: string; readonly id: string }
  readonly queue: string
  readonly others: readonly Asking[]
}

/** How a call stands; `whole` is how its conversation does, when something holds that up which may be another call's. */
export type CallStanding = Standing & { readonly whole?: WhyState }

/**
 * Where the request of an attempt is. What lies somewhere names its conversation, and neither call nor attempt: it is this one's only when
 * it is younger than the attempt before and nothing else can have sent it.
 */
export function standingOfRequest({ of, queue, attempts, others }: Request, facts: Facts): CallStanding {
  const startMs = endOf({ attempts })
  const lying = lyingAbout(facts, of.id, queue).find((held) => sinceOf(held) >= startMs)
  if (!lying) {
    const standing = standingInQueue(queue, facts)
    return { ...standing, says: `its request ${standing.says}` }
  }
  const standing = standingOfHeld(lying, facts)
  const mayBeOf = others.some((other) => other.isOpen || endOf(other) >= sinceOf(lying))
  if (!mayBeOf) return { ...standing, says: `its request ${standing.says}` }
  return {
    state: 'waiting',
    whole: standing.state,
    says: `a request of this ${of.kind}, which may be this one's or another one's, ${standing.says}`,
    ...(standing.where && { where: standing.where }),
    ...(standing.waitsFor && { waitsFor: standing.waitsFor }),
    commands: standing.commands,
  }
}

const sinceOf = ({ heldAtMs, firstFailedAtMs }: { heldAtMs: number; firstFailedAtMs: number | null }) =>
  firstFailedAtMs ?? heldAtMs

/** When its newest attempt that has ended did. */
const endOf = ({ attempts }: Pick<Asking, 'attempts'>): number => {
  const last = attempts.at(-1)?.endedAt
  return last === undefined ? Number.NEGATIVE_INFINITY : Date.parse(last)
}
