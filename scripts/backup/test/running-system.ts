import { z } from 'zod'
import { datagen } from '../../../services/datagen/service.ts'
import { distributor } from '../../../services/distributor/service.ts'
import { gateway } from '../../../services/gateway/service.ts'
import { hub } from '../../../services/hub/service.ts'
import { processor } from '../../../services/processor/service.ts'
import { statistics } from '../../../services/statistics/service.ts'
import type { MemoryBroker } from '../../../shared/bus/memory-broker.ts'
import type { ServiceConfig } from '../../../shared/service/config.ts'
import { startService } from '../../../shared/service/lifecycle.ts'
import type { ServiceDefinition } from '../../../shared/service/service.ts'

const names = ['GATEWAY', 'DATAGEN', 'HUB', 'STATISTICS', 'DISTRIBUTOR', 'PROCESSOR']
const settings = {
  ...Object.fromEntries(names.map((name) => [`EBS_${name}_PORT`, '0'])),
  EBS_LOG_LEVEL: 'silent',
  // What is under way when a system is stopped is to be found again; it need not end.
  EBS_SHUTDOWN_TIMEOUT_MS: '3000',
  // Much is under way at any time.
  EBS_TASK_MS_MIN: '10',
  EBS_TASK_MS_MAX: '40',
  EBS_FLOW_BACKEND_MS_MIN: '20',
  EBS_FLOW_BACKEND_MS_MAX: '100',
  EBS_LEDGER_SETTLE_MS: '300',
  EBS_LEDGER_EVERY_MS: '100',
}

type Name = 'datagen' | 'gateway' | 'hub' | 'statistics' | 'distributor' | 'processor'

/** All services in this process, over a broker in memory, with their stores in a folder. */
export async function runningSystem(broker: MemoryBroker, dataDir: string) {
  const env = { ...settings, EBS_DATA_DIR: dataDir }
  const start = <C extends ServiceConfig>(definition: ServiceDefinition<C>) =>
    startService(definition, { env, connect: (options) => broker.connect(options) })
  // Who counts comes up first, so that it hears everything.
  const started = {
    statistics: await start(statistics),
    hub: await start(hub),
    processor: await start(processor),
    distributor: await start(distributor),
    datagen: await start(datagen),
    gateway: await start(gateway),
  }
  let isStopped = false
  const stop = async () => {
    if (isStopped) return
    isStopped = true
    // From the source to the counting.
    for (const service of Object.values(started).reverse()) await service.stop()
  }
  return {
    urlOf: (name: Name) => started[name].url,
    get: async (name: Name, path: string) => {
      const response = await started[name].http.inject({ method: 'GET', url: path })
      return { status: response.statusCode, json: anything.parse(response.json()) }
    },
    post: async (name: Name, path: string, payload: object) => {
      const response = await started[name].http.inject({ method: 'POST', url: path, payload })
      return { status: response.statusCode, json: anything.parse(response.json()) }
    },
    stopProcessor: () => started.processor.stop(),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
export type RunningSystem = Awaited<ReturnType<typeof runningSystem>>

const anything = z.record(z.string(), z.unknown())
