import { openAsker } from '../../shared/bus/ask.ts'
import { isRefused } from '../../shared/bus/broker.ts'
import { publish } from '../../shared/bus/bus.ts'
import { onceThere } from '../../shared/bus/once-there.ts'
import { retryOf } from '../../shared/bus/retry.ts'
import { busOf } from '../../shared/bus/service-bus.ts'
import { subscribeStateful } from '../../shared/bus/stateful-consumer.ts'
import { anyKind } from '../../shared/flow/any-kind.ts'
import { groupKind } from '../../shared/flow/group.ts'
import { hubKind } from '../../shared/flow/hub-kind.ts'
import { journeyKind } from '../../shared/flow/journey/journey.ts'
import { DefinitionRegistry } from '../../shared/flow/journey/registry.ts'
import { remediationJobKind } from '../../shared/flow/journey/remediation-job.ts'
import { Kernel } from '../../shared/flow/kernel.ts'
import { replayKind } from '../../shared/flow/replay.ts'
import { sidelineKind } from '../../shared/flow/sideline.ts'
import type { ServiceDefinition } from '../../shared/service/service.ts'
import { watchStore } from '../../shared/service/store-watch.ts'
import type { HubTransaction } from '../../shared/store/hub-store.ts'
import { REFUSED_HELP, startRelay } from '../../shared/store/outbox-relay.ts'
import type { OutboxRow } from '../../shared/store/store.ts'
import { writingOf } from '../../shared/store/write-trial.ts'
import { serveAudit } from './audit-routes.ts'
import { type HubConfig, hubConfig } from './config.ts'
import { effectsOf } from './effects.ts'
import { askForRound } from './errands/round.ts'
import { flowCrud } from './flow-crud.ts'
import { measureHub, measureInputs } from './hub-metrics.ts'
import { openHubStore } from './hub-store.ts'
import { measureJourneys } from './journeys/journey-metrics.ts'
import { Journeys } from './journeys/journeys.ts'
import type { Operations } from './operations.ts'
import { answerAsked } from './questions.ts'
import { measureActs, measureFailures, measureRemediation } from './remediation/remediation-metrics.ts'
import { RemediationSweep } from './remediation/sweep.ts'
import { serveHub } from './routes.ts'
import { sidelineTermsOf } from './sideline-terms.ts'
import { startUpkeep } from './upkeep.ts'

/** Deep: batches share a transaction. EBS_PREFETCH is for work done one by one and would starve them. */
const PREFETCH = 500
/** Each hop of a call would wait it on an idle hub; on a busy one batches fill while the last is stored. */
const LINGER_MS = 0
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

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
    const bus = busOf(context, 'hub')
    const store = await openHubStore(config, { log, clock: bus.clock, metrics })
    watchStore(writingOf(store, bus.clock), context)
    const { frozenWhileParked, queueType } = config
    const { stopping } = context
    const registry = new DefinitionRegistry(log)
    const journeys = new Journeys({ bus, store, registry, queueType, stopping })
    const activityQueues = () => journeys.activityQueues()
    const sidelineTerms = sidelineTermsOf(activityQueues)
    const hasWebhook = config.own.EBS_REMEDIATION_WEBHOOK !== undefined
    const kinds = [
      anyKind(groupKind),
      anyKind(hubKind(flowCrud(config.flow))),
      anyKind(journeyKind({ definitions: registry, hasWebhook })),
      anyKind(sidelineKind(sidelineTerms)),
      anyKind(replayKind),
      anyKind(remediationJobKind),
    ]
    const inputs = measureInputs(metrics)
    const counted = measureJourneys(metrics, (type) => registry.latest(type) !== undefined)
    const kernel = new Kernel({ bus, kinds, earlyKeepMs: config.own.EBS_EARLY_KEEP_MS, frozenWhileParked, ...inputs })
    const onPublished = measureActs(metrics)
    const send = async (row: OutboxRow) => {
      const message = kernel.messageOf(row)
      await publish(bus, message)
      counted.onPublished(message)
      onPublished(message)
    }
    const relay = startRelay({ outbox: store, publish: send, isRefused, log, clock: bus.clock })
    const relayed = () => relay.flushed()
    const effects = effectsOf({
      ...{ bus, store, kernel, relayed, onIgnored: inputs.onIgnored },
      ...{ amqpUrl: config.amqpUrl, managementUrl: config.amqpManagementUrl, queueType },
      webhook: config.own.EBS_REMEDIATION_WEBHOOK,
      ...{ activityQueues, prepare: (tx: HubTransaction) => journeys.sync(tx) },
      retry: retryOf(config.retry, 'hub_work'),
      isFrozenWhileParked: frozenWhileParked.size > 0,
    })
    const { clock, broker } = bus
    // Not waited for: the API answers while the broker is away, and says who could not be asked.
    const findAsker = onceThere(openAsker(bus), log, 'could not begin to ask other services')
    const conversing = { store, kernel, kinds, clock, stopping, sidelineTerms, journeys, broker, findAsker }
    const operations: Operations = { ...conversing, ...effects.operations }
    serveAudit(http, { store, clock, metrics })
    serveHub(http, operations)
    measureHub(metrics, operations)
    measureRemediation(metrics, operations)
    const sweep = new RemediationSweep({
      ...operations,
      overdueMs: config.own.EBS_JOURNEY_OVERDUE_MS,
      onFailed: measureFailures(metrics, log),
    })
    metrics.gauge('ebs_outbox_refused', REFUSED_HELP, () => relay.refusedRows)

    const stopUpkeep = startUpkeep({
      store,
      kernel,
      clock,
      log,
      askForRound: () => askForRound(bus),
      catchUp: () => journeys.refresh(),
      remediate: (isStopped) => sweep.run(isStopped),
      keepMs: {
        success: config.own.EBS_HUB_KEEP_HOURS * HOUR_MS,
        failed: config.own.EBS_HUB_KEEP_FAILED_HOURS * HOUR_MS,
        audit: config.own.EBS_AUDIT_DAYS * DAY_MS,
      },
    })
    const close = async () => {
      stopUpkeep()
      try {
        await findAsker()?.stop()
        await journeys.stop()
        await relay.stop()
      } finally {
        await store.close()
      }
    }
    try {
      await effects.follow()
      await journeys.start(config.own.EBS_DEFINITIONS_DIR)
      const running = await subscribeStateful(bus, {
        queue: 'hub_consume',
        store,
        handle: async (arrived, tx) => {
          const following = await effects.handle(arrived, tx)
          counted.onHeard(arrived)
          return following
        },
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
