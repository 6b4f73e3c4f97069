import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { datagen } from '../../services/datagen/service.ts'
import { distributor } from '../../services/distributor/service.ts'
import { gateway } from '../../services/gateway/service.ts'
import { hub } from '../../services/hub/service.ts'
import { processor } from '../../services/processor/service.ts'
import { statistics } from '../../services/statistics/service.ts'
import type { Message } from '../../shared/bus/broker.ts'
import { MemoryBroker } from '../../shared/bus/memory-broker.ts'
import { gated } from '../../shared/bus/test/bus-fixture.ts'
import type { ServiceConfig } from '../../shared/service/config.ts'
import { startService } from '../../shared/service/lifecycle.ts'
import { createLog } from '../../shared/service/log.ts'
import type { ServiceDefinition } from '../../shared/service/service.ts'

/** What a service has published, as it went to the broker. */
export type Published = { readonly service: string; readonly message: Message }

/** All of ebs in this process, on a broker in memory; disposal stops it in order. */
export async function startInOneProcess(env: Readonly<Record<string, string>> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'ebs-one-'))
  const memory = new MemoryBroker()
  const published: Published[] = []
  const stops: (() => Promise<unknown>)[] = []

  async function start<C extends ServiceConfig>(definition: ServiceDefinition<C>): Promise<string> {
    const { name } = definition
    const { url, stop } = await startService(definition, {
      connect: (options) =>
        gated(memory.connect(options), async (message) => void published.push({ service: name, message })),
      env: { EBS_DATA_DIR: folder, [`EBS_${name.toUpperCase()}_PORT`]: '0', ...env },
      log: createLog({ service: name, level: 'silent' }),
    })
    stops.push(stop)
    return url
  }

  const urls = {
    hub: await start(hub),
    statistics: await start(statistics),
    distributor: await start(distributor),
    processor: await start(processor),
    datagen: await start(datagen),
    gateway: await start(gateway),
  }
  return {
    published,
    /** Sends JSON to a service; gives the status and what it answers. */
    async post(service: keyof typeof urls, path: string, body: unknown, headers: Record<string, string> = {}) {
      const answer = await fetch(`${urls[service]}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      })
      const json: unknown = await answer.json()
      return { status: answer.status, json }
    },
    get: (service: keyof typeof urls, path: string) => fetch(`${urls[service]}${path}`),
    async [Symbol.asyncDispose]() {
      for (const stop of stops.toReversed()) await stop()
      memory.stop()
      await rm(folder, { recursive: true })
    },
  }
}
