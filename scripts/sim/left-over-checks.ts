import type { Received } from '../../shared/bus/broker.ts'
import { deadQueueOf, unroutedQueue } from '../../shared/topology.ts'
import type { Ended } from './checks.ts'
import { isHold, isRung } from './settling.ts'

const DEAD = deadQueueOf('')

/** No message is anywhere but those that are dead; of each of these somebody has said so, and each that was said to be dead is, or came back. */
export async function leftOvers(ended: Ended): Promise<string[]> {
  const { system } = ended
  const full = [...system.queues].filter((queue) => system.memory.depth(queue) > 0)
  const dead = new Map<string, readonly Received[]>()
  for (const queue of full.filter((one) => one.endsWith(DEAD)))
    dead.set(queue.slice(0, -DEAD.length), await look(ended, queue))
  const left: string[] = []
  for (const queue of full.filter(isRung))
    for (const { properties } of await look(ended, queue))
      if (properties.type !== 'TIMERS_DUE') left.push(`${properties.type} ${properties.messageId} is still in ${queue}`)
  for (const queue of full)
    if (queue === unroutedQueue || !(isHold(queue) || isRung(queue)))
      left.push(`${system.memory.depth(queue)} messages in ${queue}`)
  return [...left, ...unexplained(ended, dead), ...lost(ended, dead)]
}

async function look({ system }: Ended, queue: string): Promise<Received[]> {
  const looking = system.outside.browse(queue)
  await system.pass(LOOK_MS)
  const browse = await looking
  const found: Received[] = []
  for await (const { message } of browse ?? []) found.push(message)
  await browse?.close()
  return found
}

type Dead = ReadonlyMap<string, readonly Received[]>
const heldIdOf = ({ properties }: Received) => String(properties.headers['x-ebs-held'])

function unexplained({ witness }: Ended, dead: Dead): string[] {
  const told = new Set(witness.of('MESSAGE_DEAD').map(({ meta }) => meta.id))
  return [...dead].flatMap(([queue, messages]) =>
    // News of what died is not told of when it dies itself.
    messages.flatMap((message) =>
      told.has(heldIdOf(message)) || message.key.startsWith('messages.')
        ? []
        : [`${message.properties.messageId} is dead in ${queue}, and nobody said so`],
    ),
  )
}

function lost({ witness }: Ended, dead: Dead): string[] {
  const there = new Set([...dead.values()].flat().map(heldIdOf))
  const cameBack = new Set<string>()
  for (const type of ['MESSAGE_REPLAYED', 'MESSAGE_FAILING', 'MESSAGE_DEAD', 'MESSAGE_PARKED'] as const)
    for (const { data } of witness.of(type)) if (data.replay) cameBack.add(data.replay.held)
  for (const { data } of witness.of('MESSAGES_DISCARDED')) for (const { held } of data.messages) cameBack.add(held)
  return witness
    .of('MESSAGE_DEAD')
    .flatMap(({ meta: { id }, data: { queue, messageId } }) =>
      there.has(id) || cameBack.has(id) ? [] : [`${messageId} died in ${queue}, is not there and never came back`],
    )
}

const LOOK_MS = 1
