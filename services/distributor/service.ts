import { subscribe } from '../../shared/bus/consumer.ts'
import { retryOf } from '../../shared/bus/retry.ts'
import { busOf } from '../../shared/bus/service-bus.ts'
import type { ServiceDefinition } from '../../shared/service/service.ts'
import { distributorConfig } from './config.ts'
import { fanOut } from './fan-out.ts'

/** Splits every object into tasks, behind the group that waits for them. Stateless: any number of replicas share its queue. */
export const distributor: ServiceDefinition<ReturnType<typeof distributorConfig>> = {
  name: 'distributor',
  title: 'ebs distributor: splits objects into tasks',
  config: distributorConfig,
  async start(context) {
    const { config } = context
    const split = { tasks: config.own.EBS_TASKS_PER_OBJECT, deadlineMs: config.own.EBS_OBJECT_DEADLINE_MS }
    const running = await subscribe(busOf(context, 'distributor'), {
      queue: 'distributor_consume',
      handlers: { OBJECT_CREATED: ({ data }) => fanOut(data.object, split) },
      retry: retryOf(config.retry, 'distributor_consume'),
      prefetch: config.prefetch,
    })
    return running
  },
}
