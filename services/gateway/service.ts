import { openAsker } from '../../shared/bus/ask.ts'
import { busOf } from '../../shared/bus/service-bus.ts'
import type { ServiceDefinition } from '../../shared/service/service.ts'
import { gatewayConfig } from './config.ts'
import { serveConversations } from './conversation-routes.ts'
import { serveFlows } from './flow-routes.ts'
import { FlowWatches } from './flow-watch.ts'

/** Takes requests over HTTP and hands them to the bus. It keeps nothing: any number of replicas can stand beside each other. */
export const gateway: ServiceDefinition<ReturnType<typeof gatewayConfig>> = {
  name: 'gateway',
  title: 'ebs gateway: starts flows, shows how they and groups stand',
  docs: true,
  config: gatewayConfig,
  async start(context) {
    const { config, http, metrics, stopping } = context
    const bus = busOf(context, 'gateway')
    await bus.broker.ready()
    const asker = await openAsker(bus)
    const watches = new FlowWatches({ bus, asker }, stopping)
    metrics.gauge('ebs_gateway_waiting', 'Requests that wait for their flow to end.', () => watches.size)
    serveFlows(http, { bus, asker, watches, waitMsMax: config.waitMsMax })
    serveConversations(http, { bus, asker })
    return { stop: () => asker.stop() }
  },
}
