import { hostname } from 'node:os'
import { subscribe } from '../../shared/bus/consumer.ts'
import type { Event } from '../../shared/bus/envelope.ts'
import type { Failure } from '../../shared/bus/failure.ts'
import { retryOf } from '../../shared/bus/retry.ts'
import { busOf } from '../../shared/bus/service-bus.ts'
import type { Body } from '../../shared/events.ts'
import type { ServiceDefinition } from '../../shared/service/service.ts'
import { processorConfig } from './config.ts'
import { roundMs, runTask } from './work.ts'

/** Works on tasks. Stateless: any number of replicas share its queue. */
export const processor: ServiceDefinition<ReturnType<typeof processorConfig>> = {
  name: 'processor',
  title: 'ebs processor: works on tasks',
  config: processorConfig,
  async start(context) {
    const { config } = context
    const { EBS_TASK_MS_MIN: minMs, EBS_TASK_MS_MAX: maxMs, EBS_TASK_FAILURE_RATE: failureRate } = config.own
    const name = `${hostname()}:${process.pid}`
    const running = await subscribe(busOf(context, 'processor'), {
      queue: 'process_consume',
      handlers: {
        TASK_CREATED: ({ data: { task, object } }, { attempt }) =>
          runTask(task, object, { processor: name, attempt }, { minMs, maxMs, failureRate }),
      },
      failed: (event, failure) => taskFailed(event, failure, name),
      retry: retryOf(config.retry, 'process_consume'),
      prefetch: config.prefetch,
    })
    return running
  },
}

function taskFailed(event: Event, { error, attempt, durationMs, final }: Failure, name: string): Body[] {
  if (event.type !== 'TASK_CREATED') return []
  const { id: taskId, objectId } = event.data.task
  return [
    { type: 'TASK_FAILED', taskId, objectId, processor: name, attempt, durationMs: roundMs(durationMs), error, final },
  ]
}
