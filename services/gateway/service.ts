import { openAsker } from '../../shared/bus/ask.ts'
import { busOf } from '../../shared/bus/service-bus.ts'
import type { ServiceDefinition } from '../../shared/service/service.ts'
import { gatewayConfig } from './config.ts'
import { serveConversations } from './conversation-routes.ts'
import { EndWatches } from './end-watch.ts'
import { serveFlows } from './flow-routes.ts'
import { serveJourneys } from './journey-routes.ts'

/** Takes requests over HTTP and hands them to the bus. It keeps nothing: any number of replicas can stand beside each other. */
export const gateway: ServiceDefinition<ReturnType<typeof gatewayConfig>> = {
  name: 'gateway',
  title: 'ebs gateway: starts journeys and flows, shows how they and groups stand',
  docs: true,
  asksOnLoopback: true,
  config: gatewayConfig,
  async start(context) {
    const { config, http, metrics, stopping } = context
    const bus = busOf(context, 'gateway')
    await bus.broker.ready()
    const asker = await openAsker(bus)
    const watches = new EndWatches({ bus, asker }, stopping)
    metrics.gauge('ebs_gateway_waiting', 'Requests that wait for the end of what they started.', () => watches.size)
    const api = { bus, asker, watches, waitMsMax: config.waitMsMax }
    serveFlows(http, api)
    serveJourneys(http, { ...api, site: config.own.EBS_SITE })
    serveConversations(http, { bus, asker })
    return { stop: () => asker.stop() }
  },
}
