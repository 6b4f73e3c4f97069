import { expect, test } from 'vitest'
import { startService } from '../lifecycle.ts'
import { createLog } from '../log.ts'
import { FakeBroker } from './fake-broker.ts'
import { plan, service } from './lifecycle-fixture.ts'

/** A service whose tracing, start and stop add to what happened. */
async function launched(env: Record<string, string>) {
  const happened: string[] = []
  const broker = new FakeBroker()
  broker.become('up')
  const definition = service(async ({ connect }) => {
    happened.push('started')
    await connect(plan).ready()
    return { stop: async () => void happened.push('stopped') }
  })
  const running = await startService(definition, {
    connect: () => broker,
    env: { EBS_EXAMPLE_PORT: '0', ...env },
    log: createLog({ service: 'example', level: 'silent' }),
    openTracing: async ({ exporters }, { service: name }) => {
      happened.push(`tracing ${name} ${exporters.join()}`)
      return { stop: async () => void happened.push('flushed') }
    },
  })
  return { happened, running }
}

test('spans are on before a service starts, and the last ones are sent when everything has stopped', async () => {
  const { happened, running } = await launched({ OTEL_TRACES_EXPORTER: 'otlp' })

  expect(await running.stop()).toBe('clean')

  expect(happened).toEqual(['tracing example otlp', 'started', 'stopped', 'flushed'])
})

test('nobody has asked for spans: there are none', async () => {
  const { happened, running } = await launched({})

  expect(await running.stop()).toBe('clean')

  expect(happened).toEqual(['started', 'stopped'])
})
