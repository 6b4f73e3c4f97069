import { DiagLogLevel, diag } from '@opentelemetry/api'
import type { Logger } from 'pino'
import type { Exporter, TracingSettings } from '../service/tracing-settings.ts'
import { findTracer } from './tracer.ts'

/** A registered SDK. */
export type OpenedTracing = {
  /** Sends what is left, within a few seconds; what cannot be sent is lost. Never rejects. */
  stop(): Promise<void>
}

/** A collector that is away must not keep a service from stopping. */
const FLUSH_MS_MAX = 3_000
const NAMESPACE = 'ebs'

/**
 * Loads and registers OpenTelemetry's SDK, unless somebody has registered one (`NODE_OPTIONS=--import ...`). It is an optional
 * dependency: when it is not there, the log says so, and the service goes on without spans. Sampler, endpoint, headers, limits and times
 * are read by the SDK from its own variables.
 */
export async function openTracing(
  settings: TracingSettings,
  { service, log }: About,
  load: () => Promise<Sdk> = loadSdk,
): Promise<OpenedTracing | undefined> {
  if (findTracer()) {
    log.info('spans go to the OpenTelemetry SDK that was registered before this service started')
    return undefined
  }
  try {
    return await register(await load(), settings, { service, log })
  } catch (error) {
    if (!isMissing(error)) throw error
    log.warn(
      { missing: error.message.split('\n', 1)[0] },
      'traces are asked for by OTEL_* variables, but the OpenTelemetry SDK is not installed: no spans are sent. Install it with ' +
        '`npm install --include=optional`, or set OTEL_TRACES_EXPORTER=none',
    )
    return undefined
  }
}

type About = { readonly service: string; readonly log: Logger }
type Sdk = Awaited<ReturnType<typeof loadSdk>>

/** Loaded only when it is wanted: it takes 17 MB of memory, and may not be there. */
async function loadSdk() {
  const [sdk, resources, otlp] = await Promise.all([
    import('@opentelemetry/sdk-trace-node'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/exporter-trace-otlp-http'),
  ])
  return { ...sdk, ...resources, ...otlp }
}

async function register(sdk: Sdk, { exporters, serviceName, attributes }: TracingSettings, { service, log }: About) {
  const name = serviceName ?? attributes['service.name'] ?? service
  const resource = sdk
    .defaultResource()
    .merge(sdk.resourceFromAttributes({ 'service.namespace': NAMESPACE, ...attributes, 'service.name': name }))
  const exporterOf = (exporter: Exporter) =>
    exporter === 'console' ? new sdk.ConsoleSpanExporter() : new sdk.OTLPTraceExporter()
  const spanProcessors = exporters.map((exporter) => new sdk.BatchSpanProcessor(exporterOf(exporter)))
  const provider = new sdk.NodeTracerProvider({ resource, spanProcessors })
  const tell = (level: 'warn' | 'error') => (message: string) => log[level](`OpenTelemetry: ${message}`)
  const quiet = () => undefined
  diag.setLogger(
    { error: tell('error'), warn: tell('warn'), info: quiet, debug: quiet, verbose: quiet },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  )
  provider.register()
  log.info({ exporters, as: name }, 'spans are sent')
  return { stop: () => shutDown(provider, log) }
}

async function shutDown(provider: { shutdown(): Promise<void> }, log: Logger): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), FLUSH_MS_MAX)
  })
  try {
    const outcome = await Promise.race([provider.shutdown(), late])
    if (outcome === 'late') log.warn(`the last spans were not taken within ${FLUSH_MS_MAX} ms and are lost`)
  } catch (error) {
    log.warn({ err: error }, 'the last spans could not be sent and are lost')
  } finally {
    clearTimeout(timer)
  }
}

const isMissing = (error: unknown): error is Error =>
  error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'
