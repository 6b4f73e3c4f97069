import type { Plan } from '../../shared/topology.ts'
import type { RecordedTopology } from './recorded.ts'

/**
 * What stands in the way of an older program on a broker that this one has declared, or of this one on a broker that the older one has: queues
 * and exchanges with other arguments, and bindings that are gone. What was only added is none of it. In words that say what to do.
 */
export function breaksBetween(recorded: RecordedTopology, now: Plan): readonly string[] {
  const changed = (kind: 'queue' | 'exchange', name: string, was: object | undefined, is: object) =>
    was === undefined || textOf(was) === textOf(is) ? [] : [`${kind} ${name} is ${textOf(is)}, it was ${textOf(was)}`]
  const bindings = new Set(now.bindings.map((one) => bindingText(one.source, one.destination, one.key)))
  const names = new Set([...now.exchanges, ...now.queues].map(({ name }) => name))
  return [
    ...now.queues.flatMap(({ name, arguments: args }) =>
      changed('queue', name, recorded.queues.find((one) => one.name === name)?.arguments, args),
    ),
    ...now.exchanges.flatMap(({ name, type, arguments: args }) => {
      const was = recorded.exchanges.find((one) => one.name === name)
      return changed('exchange', name, was && { type: was.type, ...was.arguments }, { type, ...args })
    }),
    ...recorded.bindings
      // Those of queues that come and go are of their time.
      .filter(({ source, destination }) => names.has(source) || names.has(destination))
      .filter(({ destination }) => !/^(?:activity|ebs\.sideline)\./.test(destination))
      .map((one) => bindingText(one.source, one.destination, one.routing_key))
      .filter((binding) => !bindings.has(binding))
      .map((binding) => `binding ${binding} is gone`),
  ]
}

export const ADVICE =
  'Programs of before cannot work with this beside those of now. Either undo it, or raise topologyVersion in shared/topology.ts, say in ' +
  'docs/upgrading.md what to do about it (`ebs topology plan`), and why in docs/decisions/topology-version.md'

const bindingText = (source: string, destination: string, key: string) => `${source} -> ${destination} '${key}'`
const textOf = (args: object) =>
  JSON.stringify(Object.fromEntries(Object.entries(args).toSorted(([a], [b]) => (a < b ? -1 : 1))))
