import { hostname } from 'node:os'
import { type Subscription, subscribe } from '../../shared/bus/consumer.ts'
import type { Event } from '../../shared/bus/envelope.ts'
import type { Failure } from '../../shared/bus/failure.ts'
import { retryOf } from '../../shared/bus/retry.ts'
import { busOf } from '../../shared/bus/service-bus.ts'
import type { Body } from '../../shared/events.ts'
import { workerHandlers } from '../../shared/flow/worker.ts'
import type { ServiceDefinition } from '../../shared/service/service.ts'
import { processorConfig } from './config.ts'
import { backendHandlers } from './flow-backend.ts'
import { flowWorker } from './flow-worker.ts'
import { roundMs, runTask } from './work.ts'

type Config = ReturnType<typeof processorConfig>
/** What the processor works on: a queue that the configuration has retry settings for, and who handles what is in it. */
type Work = Pick<Subscription, 'handlers' | 'failed'> & {
  readonly queue: Config['retry'] extends ReadonlyMap<infer Q, unknown> ? Q : never
}

/** Works on tasks, and on the calls of the example flow with its backend. Stateless: any number of replicas share its queues. */
export const processor: ServiceDefinition<Config> = {
  name: 'processor',
  title: 'ebs processor: works on tasks and calls',
  config: processorConfig,
  async start(context) {
    const { config } = context
    const bus = busOf(context, 'processor')
    const { EBS_FLOW_BACKEND_MS_MIN: minMs, EBS_FLOW_BACKEND_MS_MAX: maxMs } = config.own
    const works: readonly Work[] = [
      tasks(config.own),
      { queue: 'flow_worker_consume', handlers: workerHandlers(flowWorker, bus.clock) },
      { queue: 'flow_backend_consume', handlers: backendHandlers({ minMs, maxMs }, bus.clock) },
    ]
    const { prefetch } = config
    const running = await Promise.all(
      works.map((work) => subscribe(bus, { ...work, retry: retryOf(config.retry, work.queue), prefetch })),
    )
    return {
      async stop(withinMs) {
        await Promise.all(running.map((one) => one.stop(withinMs)))
      },
    }
  },
}

function tasks(settings: Config['own']): Work {
  const { EBS_TASK_MS_MIN: minMs, EBS_TASK_MS_MAX: maxMs, EBS_TASK_FAILURE_RATE: failureRate } = settings
  const name = `${hostname()}:${process.pid}`
  return {
    queue: 'process_consume',
    handlers: {
      TASK_CREATED: ({ data: { task, object } }, { attempt }) =>
        runTask(task, object, { processor: name, attempt }, { minMs, maxMs, failureRate }),
    },
    failed: (event, failure) => taskFailed(event, failure, name),
  }
}

function taskFailed(event: Event, { error, attempt, durationMs, final }: Failure, name: string): Body[] {
  if (event.type !== 'TASK_CREATED') return []
  const { id: taskId, objectId } = event.data.task
  return [
    { type: 'TASK_FAILED', taskId, objectId, processor: name, attempt, durationMs: roundMs(durationMs), error, final },
  ]
}
