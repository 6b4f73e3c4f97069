import { type Plan, rungQueue } from '../../topology.ts'

/** Without some of its queues, and without what is bound to them: RabbitMQ takes 15 to 50 ms of a processor to make one. */
export function keepQueues(plan: Plan, isKept: (name: string) => boolean): Plan {
  const left = new Set(plan.queues.map(({ name }) => name).filter((name) => !isKept(name)))
  return {
    ...plan,
    queues: plan.queues.filter(({ name }) => !left.has(name)),
    // A level of the ladder and its first rung have the same name.
    bindings: plan.bindings.filter(({ to, destination }) => to === 'exchange' || !left.has(destination)),
  }
}

/** The product's own ladder with a few of its rungs, because declaring all of them costs a second. */
export function keepRungs(plan: Plan, rungs: readonly string[]): Plan {
  const kept = new Set(rungs.map(rungQueue))
  return keepQueues(plan, (name) => !name.startsWith(rungQueue('')) || kept.has(name))
}
