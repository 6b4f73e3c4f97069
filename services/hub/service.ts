import { join } from 'node:path'
import { publish } from '../../shared/bus/bus.ts'
import { retryOf } from '../../shared/bus/retry.ts'
import { busOf } from '../../shared/bus/service-bus.ts'
import { subscribeStateful } from '../../shared/bus/stateful-consumer.ts'
import { anyKind } from '../../shared/flow/any-kind.ts'
import { groupKind } from '../../shared/flow/group.ts'
import { hubKind } from '../../shared/flow/hub-kind.ts'
import { Kernel } from '../../shared/flow/kernel.ts'
import { replayKind } from '../../shared/flow/replay.ts'
import { sidelineKind } from '../../shared/flow/sideline.ts'
import type { ServiceDefinition } from '../../shared/service/service.ts'
import { startRelay } from '../../shared/store/outbox-relay.ts'
import { SqliteHubStore } from '../../shared/store/sqlite-hub-store.ts'
import { type HubConfig, hubConfig } from './config.ts'
import { effectsOf } from './effects.ts'
import { askForRound } from './errands/round.ts'
import { flowCrud } from './flow-crud.ts'
import { measureHub, measureInputs } from './hub-metrics.ts'
import type { Operations } from './operations.ts'
import { answerAsked } from './questions.ts'
import { serveHub } from './routes.ts'
import { sidelineTerms } from './sideline-terms.ts'
import { startUpkeep } from './upkeep.ts'

/** Deep: batches share a transaction. EBS_PREFETCH is for work done one by one and would starve them. */
const PREFETCH = 500
/** Each hop of a call would wait it on an idle hub; on a busy one batches fill while the last is stored. */
const LINGER_MS = 0
const HOUR_MS = 3_600_000

/**
 * Owns conversations: groups and flows, sidelines and replays, their timers, and the API to look at them. One process works, others stand by: its queue has a
 * single active consumer.
 */
export const hub: ServiceDefinition<HubConfig> = {
  name: 'hub',
  title: 'ebs hub: groups, flows, sidelines, replays and timers',
  docs: true,
  config: hubConfig,
  async start(context) {
    const { config, http, log, metrics } = context
    log.info(config.nesting)
    const store = await SqliteHubStore.open({ path: join(config.dataDir, 'hub.db') })
    const bus = busOf(context, 'hub')
    const kinds = [
      anyKind(groupKind),
      anyKind(hubKind(flowCrud(config.flow))),
      anyKind(sidelineKind(sidelineTerms)),
      anyKind(replayKind),
    ]
    const inputs = measureInputs(metrics)
    const { frozenWhileParked } = config
    const kernel = new Kernel({ bus, kinds, earlyKeepMs: config.own.EBS_EARLY_KEEP_MS, frozenWhileParked, ...inputs })
    const relay = startRelay({ outbox: store, publish: (row) => publish(bus, kernel.messageOf(row)), log })
    const relayed = () => relay.flushed()
    const effects = effectsOf({
      ...{ bus, store, kernel, relayed, onIgnored: inputs.onIgnored },
      ...{ amqpUrl: config.amqpUrl, managementUrl: config.amqpManagementUrl, queueType: config.queueType },
      retry: retryOf(config.retry, 'hub_work'),
      isFrozenWhileParked: frozenWhileParked.size > 0,
    })
    const { clock } = bus
    const operations: Operations = { store, kernel, kinds, clock, stopping: context.stopping, ...effects.operations }
    serveHub(http, operations)
    measureHub(metrics, operations)

    const stopUpkeep = startUpkeep({
      store,
      kernel,
      clock,
      log,
      askForRound: () => askForRound(bus),
      keepMs: {
        success: config.own.EBS_HUB_KEEP_HOURS * HOUR_MS,
        failed: config.own.EBS_HUB_KEEP_FAILED_HOURS * HOUR_MS,
      },
    })
    const close = async () => {
      stopUpkeep()
      try {
        await relay.stop()
      } finally {
        await store.close()
      }
    }
    try {
      await effects.follow()
      const running = await subscribeStateful(bus, {
        queue: 'hub_consume',
        store,
        handle: effects.handle,
        isIdempotent: effects.isIdempotent,
        relayed,
        accepts: (event) => kernel.accepts(event),
        retry: retryOf(config.retry, 'hub_consume'),
        prefetch: PREFETCH,
        lingerMs: LINGER_MS,
      })
      const others = await Promise.all([answerAsked(bus, operations), effects.run()])
      return {
        async stop(withinMs) {
          try {
            await Promise.all([running, ...others].map((one) => one.stop(withinMs)))
          } finally {
            await close()
          }
        },
      }
    } catch (error) {
      // Stopped while it waited for the broker.
      await close()
      throw error
    }
  },
}
