import { context, diag, propagation, trace } from '@opentelemetry/api'
import { afterEach, expect, test, vi } from 'vitest'
import { createLog } from '../../service/log.ts'
import { openTracing } from '../sdk.ts'
import { findTracer } from '../tracer.ts'

const settings = { exporters: ['otlp'], serviceName: undefined, attributes: { team: 'a' } } as const

function about() {
  const lines: string[] = []
  const log = createLog({ service: 'test', level: 'debug', destination: { write: (line) => void lines.push(line) } })
  return { about: { service: 'hub', log }, lines }
}

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllEnvs()
  for (const api of [trace, context, propagation, diag]) api.disable()
})

test('the SDK is registered under the name of the service, and a collector that is away does not keep it from stopping', async () => {
  // Nobody listens on the port for discarding.
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', 'http://127.0.0.1:9')
  const { about: to, lines } = about()

  const opened = await openTracing(settings, to)
  const span = findTracer()?.startSpan('one')
  span?.end()
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  const stopped = opened?.stop()
  await vi.advanceTimersByTimeAsync(3_000)
  await stopped

  expect(span?.isRecording()).toBe(false)
  expect(lines[0]).toContain('"as":"hub","msg":"spans are sent"')
  expect(lines.at(-1)).toContain('are lost')
})

test('an SDK that is not installed is said, with what to do; the service goes on without', async () => {
  const { about: to, lines } = about()
  const missing = Object.assign(new Error("Cannot find package '@opentelemetry/sdk-trace-node' imported from here"), {
    code: 'ERR_MODULE_NOT_FOUND',
  })

  const opened = await openTracing(settings, to, () => Promise.reject(missing))

  expect(opened).toBeUndefined()
  expect(findTracer()).toBeUndefined()
  expect(lines).toEqual([expect.stringContaining('npm install --include=optional')])
  expect(lines[0]).toContain('@opentelemetry/sdk-trace-node')
})

test('any other trouble with the SDK is no reason to go on as if it were not there', async () => {
  await expect(openTracing(settings, about().about, () => Promise.reject(new Error('broken')))).rejects.toThrow(
    'broken',
  )
})

test('an SDK that is registered already is used, and none is loaded', async () => {
  const { NodeTracerProvider } = await import('@opentelemetry/sdk-trace-node')
  const theirs = new NodeTracerProvider()
  theirs.register()
  const { about: to, lines } = about()
  const load = vi.fn()

  expect(await openTracing(settings, to, load)).toBeUndefined()

  expect(load).not.toHaveBeenCalled()
  expect(findTracer()?.startSpan('one').isRecording()).toBe(true)
  expect(lines[0]).toContain('was registered before')
  await theirs.shutdown()
})
