import { hostname } from 'node:os'
import { join } from 'node:path'
import { type Subscription, subscribe } from '../../shared/bus/consumer.ts'
import type { Event } from '../../shared/bus/envelope.ts'
import type { Failure } from '../../shared/bus/failure.ts'
import { retryOf } from '../../shared/bus/retry.ts'
import { busOf } from '../../shared/bus/service-bus.ts'
import type { Clock } from '../../shared/clock.ts'
import type { Body } from '../../shared/events.ts'
import { type Activity, activityHandlers } from '../../shared/flow/activity.ts'
import { workerHandlers } from '../../shared/flow/worker.ts'
import type { ServiceDefinition } from '../../shared/service/service.ts'
import { SqliteActivityMemory } from '../../shared/store/activity-memory.ts'
import { activityQueueOf } from '../../shared/topology.ts'
import { processorConfig } from './config.ts'
import { backendHandlers } from './flow-backend.ts'
import { flowWorker } from './flow-worker.ts'
import { HttpClient } from './http-client.ts'
import { pruning } from './pruning.ts'
import { activitiesPlan, servedActivities } from './served-activities.ts'
import { Effects } from './shop/effects.ts'
import { roundMs, runTask } from './work.ts'

type Config = ReturnType<typeof processorConfig>
/** A queue that the configuration has retry settings for, and who handles what is in it. */
type Work = Pick<Subscription, 'queue' | 'handlers' | 'failed' | 'prefetch'>

/**
 * Works on tasks, on the calls of the example flow with its backend, and on the activities of journeys. Any number of replicas share its
 * queues; what activities remember lies in files that those of one machine share.
 */
export const processor: ServiceDefinition<Config> = {
  name: 'processor',
  title: 'ebs processor: works on tasks, calls and activities',
  config: processorConfig,
  async start(context) {
    const { config, log } = context
    const bus = busOf(context, 'processor')
    const { EBS_FLOW_BACKEND_MS_MIN: minMs, EBS_FLOW_BACKEND_MS_MAX: maxMs } = config.own
    const systems = systemsOf(config, bus.clock)
    const { EBS_ACTIVITIES: wanted, EBS_MOCK_ACTIVITIES: mocks } = config.own
    const served = servedActivities(wanted, mocks, systems)
    const mocked = Object.keys(mocks)
    if (mocked.length > 0) log.warn({ mocked }, 'activities are mocked: EBS_MOCK_ACTIVITIES is set')
    const works: readonly Work[] = [
      tasks(config.own, bus.clock),
      { queue: 'flow_worker_consume', handlers: workerHandlers(flowWorker, bus.clock) },
      { queue: 'flow_backend_consume', handlers: backendHandlers({ minMs, maxMs }, bus.clock) },
      ...served.map((one) => workOf(one, bus.clock)),
    ]
    if (served.length > 0) await bus.broker.extend(activitiesPlan(served, config.queueType))
    const running = await Promise.all(
      works.map((work) =>
        subscribe(bus, { prefetch: config.prefetch, ...work, retry: retryOf(config.retry, work.queue) }),
      ),
    )
    const stopPruning = pruning(systems.memory, bus.clock, log)
    return {
      async stop(withinMs) {
        stopPruning()
        try {
          await Promise.all(running.map((one) => one.stop(withinMs)))
        } finally {
          await Promise.all([systems.http.close(), systems.shop.close(), systems.memory.close()])
        }
      },
    }
  },
}

/** Nothing is opened yet: a file is made by the first activity that needs it. */
function systemsOf({ dataDir, own }: Config, clock: Clock) {
  return {
    clock,
    memory: new SqliteActivityMemory(join(dataDir, 'processor.db')),
    shop: new Effects({ dataDir, clock, failureRate: own.EBS_SHOP_FAILURE_RATE }),
    http: new HttpClient(own.EBS_HTTP_ALLOW),
    work: workSettings(own, clock),
  }
}

const workOf = (served: Activity, clock: Clock): Work => ({
  queue: activityQueueOf(served.name),
  handlers: activityHandlers(served, clock),
  ...(served.prefetch !== undefined && { prefetch: served.prefetch }),
})

const workSettings = (own: Config['own'], clock: Clock) => ({
  clock,
  minMs: own.EBS_TASK_MS_MIN,
  maxMs: own.EBS_TASK_MS_MAX,
  failureRate: own.EBS_TASK_FAILURE_RATE,
})

function tasks(own: Config['own'], clock: Clock): Work {
  const name = `${hostname()}:${process.pid}`
  return {
    queue: 'process_consume',
    handlers: {
      TASK_CREATED: ({ data: { task, object } }, { attempt }) =>
        runTask(task, object, { processor: name, attempt }, workSettings(own, clock)),
    },
    failed: (event, failure) => taskFailed(event, failure, name),
  }
}

function taskFailed(event: Event, failure: Failure, name: string): Body[] {
  const { error, attempt, durationMs, final, retryAtMs } = failure
  if (event.type !== 'TASK_CREATED') return []
  const { id: taskId, objectId } = event.data.task
  return [
    {
      ...{ type: 'TASK_FAILED', taskId, objectId, processor: name, attempt },
      ...{ durationMs: roundMs(durationMs), error, final },
      ...(retryAtMs !== undefined && { retryAt: new Date(retryAtMs).toISOString() }),
    },
  ]
}
