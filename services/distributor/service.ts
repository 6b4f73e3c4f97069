import { subscribe } from '../../shared/bus/consumer.ts'
import { retryOf } from '../../shared/bus/retry.ts'
import { busOf } from '../../shared/bus/service-bus.ts'
import type { ServiceDefinition } from '../../shared/service/service.ts'
import { distributorConfig } from './config.ts'
import { splitObject } from './tasks.ts'

/** Splits every object into tasks. Stateless: any number of replicas share its queue. */
export const distributor: ServiceDefinition<ReturnType<typeof distributorConfig>> = {
  name: 'distributor',
  title: 'ebs distributor: splits objects into tasks',
  config: distributorConfig,
  async start(context) {
    const { config } = context
    const running = await subscribe(busOf(context, 'distributor'), {
      queue: 'distributor_consume',
      handlers: { OBJECT_CREATED: ({ data }) => splitObject(data.object, config.own.EBS_TASKS_PER_OBJECT) },
      retry: retryOf(config.retry, 'distributor_consume'),
      prefetch: config.prefetch,
    })
    return running
  },
}
