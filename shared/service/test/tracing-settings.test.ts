import { describe, expect, test } from 'vitest'
import { readServiceConfig } from '../config.ts'
import { tracingEnv } from '../tracing-settings.ts'

describe('spans are sent where OpenTelemetry says', () => {
  test.each([
    { what: 'nothing', env: {}, exporters: undefined },
    { what: 'an endpoint', env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }, exporters: ['otlp'] },
    {
      what: 'an endpoint for traces',
      env: { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c:4318/v1/traces' },
      exporters: ['otlp'],
    },
    { what: 'otlp alone', env: { OTEL_TRACES_EXPORTER: 'otlp' }, exporters: ['otlp'] },
    { what: 'both', env: { OTEL_TRACES_EXPORTER: ' otlp, console,otlp' }, exporters: ['otlp', 'console'] },
    {
      what: 'none in spite of an endpoint',
      env: { OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' },
      exporters: undefined,
    },
    {
      what: 'a disabled SDK',
      env: { OTEL_SDK_DISABLED: 'TRUE', OTEL_TRACES_EXPORTER: 'otlp' },
      exporters: undefined,
    },
    {
      what: 'an SDK that is not disabled',
      env: { OTEL_SDK_DISABLED: 'no', OTEL_TRACES_EXPORTER: 'console' },
      exporters: ['console'],
    },
  ])('$what', ({ env, exporters }) => {
    const { settings, warnings } = tracingEnv(env)

    expect(settings?.exporters).toEqual(exporters)
    expect(warnings).toEqual([])
  })
})

test('the resource has the attributes that are given, decoded', () => {
  const { settings } = tracingEnv({
    OTEL_TRACES_EXPORTER: 'otlp',
    OTEL_SERVICE_NAME: 'bus',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test, note=a%2Cb%3D1,url=http://x/?a=b',
  })

  expect(settings).toEqual({
    exporters: ['otlp'],
    serviceName: 'bus',
    attributes: { 'deployment.environment.name': 'test', note: 'a,b=1', url: 'http://x/?a=b' },
  })
})

describe('what is wrong is warned of, and keeps no service from starting', () => {
  test.each([
    { env: { OTEL_TRACES_EXPORTER: 'zipkin' }, says: 'zipkin', isOn: false },
    { env: { OTEL_TRACES_EXPORTER: 'otlp,jaeger' }, says: 'jaeger', isOn: true },
    { env: { OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, says: 'http/json', isOn: true },
    { env: { OTEL_TRACES_EXPORTER: 'otlp', OTEL_RESOURCE_ATTRIBUTES: 'alone' }, says: "'alone'", isOn: true },
    { env: { OTEL_TRACES_EXPORTER: 'otlp', OTEL_RESOURCE_ATTRIBUTES: 'a=%E0%A4%A' }, says: "'a'", isOn: true },
  ])('$env', ({ env, says, isOn }) => {
    const { warnings, tracing } = readServiceConfig({ name: 'example', port: 0, own: {} }, env)

    expect(warnings).toEqual([expect.stringContaining(says)])
    expect(tracing !== undefined).toBe(isOn)
  })
})
