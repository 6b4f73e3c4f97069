/** Where a service sends its spans, by OpenTelemetry's own variables. What is not here, the SDK reads by itself. */
export type TracingSettings = {
  /** At least one. */
  readonly exporters: readonly Exporter[]
  /** Missing: the name of the service. */
  readonly serviceName: string | undefined
  /** Of `OTEL_RESOURCE_ATTRIBUTES`. */
  readonly attributes: Readonly<Record<string, string>>
}
export type Exporter = 'otlp' | 'console'

type Env = Readonly<Record<string, string | undefined>>
type TracingEnv = {
  /** Missing: nobody has asked for traces. */
  readonly settings: TracingSettings | undefined
  readonly warnings: readonly string[]
}

const ENDPOINTS = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT']
const PROTOCOLS = ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL']
/** The one that the exporter speaks. */
const PROTOCOL = 'http/json'

/**
 * Reads whether traces are asked for: by `OTEL_TRACES_EXPORTER`, or by an endpoint to send them to. The variables are shared with every
 * other program of the machine, so what is wrong with them is a warning and never keeps a service from starting.
 */
export function tracingEnv(env: Env): TracingEnv {
  if (env.OTEL_SDK_DISABLED?.trim().toLowerCase() === 'true') return { settings: undefined, warnings: [] }
  const endpoint = ENDPOINTS.find((name) => env[name] !== undefined)
  const asked = (env.OTEL_TRACES_EXPORTER ?? (endpoint === undefined ? 'none' : 'otlp'))
    .split(',')
    .map((name) => name.trim())
  const exporters = [...new Set(asked.filter((name) => name === 'otlp' || name === 'console'))]
  const unknown = asked.filter((name) => name !== '' && name !== 'none' && name !== 'otlp' && name !== 'console')
  const { attributes, faults } = attributesOf(env.OTEL_RESOURCE_ATTRIBUTES ?? '')
  const warnings = [
    ...unknown.map(
      (name) => `OTEL_TRACES_EXPORTER names ${name}, which ebs has not: otlp, console and none are taken.`,
    ),
    ...(exporters.length > 0 ? faults : []),
    ...(exporters.includes('otlp') ? protocolWarnings(env) : []),
  ]
  if (exporters.length === 0) return { settings: undefined, warnings }
  return { settings: { exporters, serviceName: env.OTEL_SERVICE_NAME, attributes }, warnings }
}

function protocolWarnings(env: Env): readonly string[] {
  const name = PROTOCOLS.find((variable) => env[variable] !== undefined)
  const protocol = name && env[name]
  if (!name || protocol === PROTOCOL) return []
  return [`${name} is ${protocol}; spans are sent as ${PROTOCOL}, which any collector takes on its HTTP port (4318).`]
}

/** `key=value,key=value`, values percent-encoded, as OpenTelemetry has it. */
function attributesOf(text: string) {
  const attributes: Record<string, string> = {}
  const faults: string[] = []
  for (const pair of text.split(',').filter((part) => part.trim() !== '')) {
    const [key = '', ...value] = pair.split('=')
    try {
      if (key.trim() === '' || value.length === 0) throw new URIError('expected key=value')
      attributes[key.trim()] = decodeURIComponent(value.join('=').trim())
    } catch {
      faults.push(`OTEL_RESOURCE_ATTRIBUTES has '${key.trim()}', which is no key=value; it is left out.`)
    }
  }
  return { attributes, faults }
}
