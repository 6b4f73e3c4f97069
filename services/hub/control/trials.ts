import { type Bus, publish } from '../../../shared/bus/bus.ts'
import { toMessage } from '../../../shared/bus/envelope.ts'
import { newId } from '../../../shared/bus/ids.ts'
import type { Body } from '../../../shared/events.ts'
import { controlStream } from '../../../shared/topology.ts'
import type { Trial, TrialResult } from '../held-operations.ts'
import type { ControlLog, Tried } from './control-log.ts'
import { type ListConsumers, type QueueConsumers, silentOf } from './queue-consumers.ts'

export type TrialsOptions = {
  readonly bus: Bus
  readonly control: Pick<ControlLog, 'onTried'>
  readonly consumers: ListConsumers
}

/** Consumers answer at once, between two messages; who has not by then is named as missing. */
const ANSWERS_MS_MAX = 1_000
const EXAMPLES_MAX = 10

/** Asks the consumers of some queues, over the stream, how many of their last messages a filter matches. */
export async function runTrial({ bus, control, consumers }: TrialsOptions, trial: Trial): Promise<TrialResult> {
  const there = await Promise.all(trial.queues.map(async (queue) => [queue, await consumers(queue)] as const))
  const id = newId(bus.clock.now())
  const answers = new Map<string, Tried>()
  let isComplete = () => {}
  const end = control.onTried(id, (answer) => {
    answers.set(`${answer.queue} ${answer.consumer}`, answer)
    if (missingOf(there, [...answers.values()]).length === 0) isComplete()
  })
  try {
    await ask(bus, id, trial)
    if (missingOf(there, [...answers.values()]).length > 0)
      await new Promise<void>((resolve) => {
        const cancel = bus.clock.after(ANSWERS_MS_MAX, resolve)
        isComplete = () => {
          cancel()
          resolve()
        }
      })
  } finally {
    end()
  }
  return resultOf(trial, [...answers.values()], missingOf(there, [...answers.values()]))
}

const missingOf = (there: readonly (readonly [string, QueueConsumers])[], answers: readonly Tried[]) =>
  there.flatMap(([queue, consumers]) => {
    const heard = answers.filter((answer) => answer.queue === queue).map(({ consumer }) => consumer)
    return silentOf(queue, consumers, heard)
  })

function ask(bus: Bus, id: string, { filter, queues, sample }: Trial): Promise<void> {
  const body: Body = { type: 'SIDELINE_TRIAL', trial: id, filter, queues: [...queues], sample }
  const atMs = bus.clock.now()
  const message = toMessage(body, { id, service: bus.service, correlationId: id, atMs })
  return publish(bus, { ...message, exchange: '', key: controlStream, mandatory: true })
}

function resultOf({ queues }: Trial, answers: readonly Tried[], missing: readonly string[]): TrialResult {
  return {
    ...sumOf(answers),
    queues: queues.map((queue) => ({ queue, ...sumOf(answers.filter((answer) => answer.queue === queue)) })),
    answered: answers.length,
    missing,
    examples: answers.flatMap(({ examples }) => examples).slice(0, EXAMPLES_MAX),
  }
}

const sumOf = (answers: readonly Tried[]) => ({
  sampled: answers.reduce((sum, one) => sum + one.sampled, 0),
  matched: answers.reduce((sum, one) => sum + one.matched, 0),
  unclear: answers.reduce((sum, one) => sum + one.unclear, 0),
})
