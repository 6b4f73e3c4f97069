import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { vi } from 'vitest'
import { z } from 'zod'
import { datagen } from '../../../services/datagen/service.ts'
import { distributor } from '../../../services/distributor/service.ts'
import { gateway } from '../../../services/gateway/service.ts'
import { hub } from '../../../services/hub/service.ts'
import { processor } from '../../../services/processor/service.ts'
import { statistics } from '../../../services/statistics/service.ts'
import { MemoryBroker } from '../../../shared/bus/memory-broker.ts'
import type { ServiceConfig } from '../../../shared/service/config.ts'
import { startService } from '../../../shared/service/lifecycle.ts'
import { createLog } from '../../../shared/service/log.ts'
import type { ServiceDefinition } from '../../../shared/service/service.ts'
import type { Metric } from '../metric.ts'

const registered = z.object({ name: z.string(), labelNames: z.array(z.string()) })

/**
 * Starts all services in this process and reads what they show. Types and texts are those of `/metrics`; labels are asked of the metrics as
 * they are registered, because a counter shows none before it has counted.
 */
export async function runningMetrics(): Promise<readonly Metric[]> {
  const folder = mkdtempSync(join(tmpdir(), 'ebs-test-'))
  const broker = new MemoryBroker()
  const labels = new Map<string, readonly string[]>()
  const register = Registry.prototype.registerMetric
  const spy = vi.spyOn(Registry.prototype, 'registerMetric').mockImplementation(function (this: Registry, metric) {
    const { name, labelNames } = registered.parse(metric)
    labels.set(name, [...new Set([...(labels.get(name) ?? []), ...labelNames])])
    register.call(this, metric)
  })
  const metrics = new Map<string, Metric>()
  const stops: (() => Promise<unknown>)[] = []
  const add = async <C extends ServiceConfig>(
    definition: ServiceDefinition<C>,
    env: Readonly<Record<string, string>> = {},
  ) => {
    const { name } = definition
    const service = await startService(definition, {
      env: { EBS_DATA_DIR: folder, [`EBS_${name.toUpperCase()}_PORT`]: '0', ...env },
      connect: (options) => broker.connect(options),
      log: createLog({ service: name, level: 'silent' }),
    })
    stops.unshift(() => service.stop())
    const text = await (await fetch(`${service.url}/metrics`)).text()
    for (const [, metric = '', help = ''] of text.matchAll(/^# HELP (\S+) (.*)$/gm)) {
      const type = new RegExp(`^# TYPE ${metric} (\\w+)$`, 'm').exec(text)?.[1] ?? ''
      const known = metrics.get(metric)
      const services = [...(known?.services ?? []), name]
      metrics.set(metric, { name: metric, help: known?.help ?? help, type, labels: labels.get(metric) ?? [], services })
    }
  }
  try {
    await add(gateway)
    await add(datagen)
    await add(distributor)
    await add(processor)
    // With a second store it has one metric more.
    await add(hub, { EBS_HUB_STORE_SECONDARY: join(folder, 'secondary') })
    await add(statistics)
  } finally {
    for (const stop of stops) await stop()
    spy.mockRestore()
    rmSync(folder, { recursive: true, force: true })
  }
  return [...metrics.values()]
}
