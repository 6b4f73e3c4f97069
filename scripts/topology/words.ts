import { counted, spanOf } from '../cli/wording.ts'
import type { Act, Change, Task } from './change.ts'
import { standInOf } from './wanted.ts'

/** Short ones count in seconds. */
const spanText = (ms: number) => (ms < 1_000 ? `${ms}ms` : spanOf(ms))

/** A step in words. */
export function saysAct(act: Act): string {
  switch (act.act) {
    case 'declare-exchange':
      return `declare the exchange ${act.exchange.name}`
    case 'declare-queue':
      return `declare ${act.queue.name}`
    case 'leave':
      return `wait until nobody consumes ${act.queue}`
    case 'move':
      return `move what waits in ${act.from} to ${act.to}, in order`
    case 'bind':
      return `bind ${act.queue} (${counted(act.bindings.length, 'binding')})`
    case 'unbind':
      return `unbind ${act.queue} (${counted(act.bindings.length, 'binding')})`
    case 'drain':
      return `move the rest of ${act.from} to ${act.to}, until it is empty and nobody holds a message of it`
    case 'run-out':
      return `wait until ${act.queue} has run out: ${spanText(act.msMax)} at most`
    case 'remove':
      return `remove ${act.queue}, if it is empty`
  }
}

/** Consumers by name; a quorum queue counts some that nobody can name. */
export const saysWho = (names: readonly string[]): string =>
  names.join(', ') || 'somebody who has just come, or still holds a message of it'

type Use = {
  /** That wait. */
  readonly messages: number
  /** That are held, or on their way to where they are dead-lettered to. */
  readonly unsettled: number
  readonly consumers: number
  /** Of consumers. */
  readonly names: readonly string[]
}

/** Why a queue cannot be removed yet. */
export function saysUsed(queue: string, { messages, unsettled, consumers, names }: Use): string {
  const hands = `${counted(unsettled, 'message')} in hands (given out, and not settled yet)`
  const holds = [
    ...(messages > 0 ? [`still has ${counted(messages, 'message')}`] : ['is empty']),
    ...(unsettled > 0 ? [`has ${hands}`] : []),
    ...(consumers + names.length > 0 ? [`is consumed by ${saysWho(names)}`] : []),
  ]
  return `${queue} ${holds.join(', and ')}`
}

/** Of a queue that is unbound while its change is not done. */
export const saysStandStill = (queue: string): string =>
  `${queue} is unbound: new work waits in ${standInOf(queue)} and is NOT handled until you run this again. To give up, run it with the arguments that ${queue} has (the old EBS_QUEUE_TYPE): it is bound again, and gets what waits`

/** A queue or exchange, why something is to be done about it, and the steps. */
export function saysTask({ name, kind, why, messages, consumers, acts }: Task): string {
  const numbers =
    kind === 'exchange'
      ? ''
      : ` (${counted(messages, 'message')}, ${consumers.length === 0 ? 'no consumers' : `consumed by ${consumers.join(', ')}`})`
  const steps = acts.map((act, i) => `  ${i + 1}. ${saysAct(act)}`)
  return [`${kind} ${name}${numbers}: ${why.join('; ')}`, ...steps].join('\n')
}

/** What cannot be done, and what this version does not need. */
export function saysRest({ refused, obsolete }: Change): readonly string[] {
  return [
    ...refused.map(({ kind, name, why }) => `Not possible: ${kind} ${name}: ${why}`),
    ...obsolete.map(
      ({ name, messages, consumers }) =>
        `Not needed by this version: queue ${name} (${counted(messages, 'message')}, ${counted(consumers.length, 'consumer')}). \`ebs topology apply --remove-obsolete\` removes it when it is empty and not consumed.`,
    ),
  ]
}
