import { z } from 'zod'
import { type AuthSettings, authEnv, authVariables } from './auth-settings.ts'
import { type BreakerSettings, breakerEnv, breakerVariables } from './breaker-settings.ts'
import { ConfigError, type Mistake } from './errors.ts'
import { lanePolicy } from './lane-settings.ts'
import { isLoopback } from './loopback.ts'
import { trustedProxies } from './proxy-settings.ts'
import { redactUrl } from './redact.ts'
import { type RetrySettings, retryEnv, retryVariables } from './retry-settings.ts'
import { brokerUrls, hostAndPort, oneOf, onOff, port, text, urlOf, wholeNumber } from './settings.ts'
import { misspelt } from './spelling.ts'
import { type TlsFiles, tlsEnv, tlsVariables } from './tls-settings.ts'
import { type TracingSettings, tracingEnv } from './tracing-settings.ts'

/** Variables by name, as in `process.env`. An empty value counts as not set. */
export type Env = Readonly<Record<string, string | undefined>>

const common = {
  EBS_AUTH_FAILURES_PER_MINUTE: wholeNumber({ min: 1, max: 1_000_000 }).optional(),
  EBS_AMQP_URL: brokerUrls.optional(),
  QUEUE_URL: hostAndPort.optional(),
  EBS_AMQP_MANAGEMENT_URL: urlOf(['http:', 'https:'], 'http://guest:guest@127.0.0.1:15672').optional(),
  EBS_DATA_DIR: text.default('./data'),
  EBS_HOST: text.default('127.0.0.1'),
  EBS_INSECURE_PUBLIC: onOff.default(false),
  EBS_LANES: lanePolicy.default({ kind: 'round-robin' }),
  EBS_LOG_LEVEL: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent').default('info'),
  // AMQP has 16 bits for it.
  EBS_PREFETCH: wholeNumber({ min: 1, max: 65_535 }).optional(),
  EBS_QUEUE_TYPE: oneOf('quorum', 'classic').default('quorum'),
  EBS_REQUESTS_PER_MINUTE: wholeNumber({ min: 1, max: 1_000_000_000 }).optional(),
  EBS_SUBJECT_REQUESTS_PER_MINUTE: wholeNumber({ min: 1, max: 1_000_000_000 }).optional(),
  // Below the 30 s that Kubernetes gives a pod before it kills it.
  EBS_SHUTDOWN_TIMEOUT_MS: wholeNumber({ min: 100, max: 600_000 }).default(25_000),
  EBS_TOPOLOGY: oneOf('declare', 'verify').default('declare'),
  EBS_TRUST_PROXY: trustedProxies.optional(),
  EBS_WAIT_MS_MAX: wholeNumber({ min: 100, max: 600_000 }).default(60_000),
}

const commonSchema = z.object(common)

/** What every service is configured with. */
export type ServiceConfig = ReturnType<typeof named> & {
  readonly port: number
  /** The variable that sets the port, for messages. */
  readonly portVariable: string
  /** Whose tokens are asked for; missing: none are. */
  readonly auth?: AuthSettings | undefined
  /** Certificates for `amqps://`; missing: the public ones, and none of our own. */
  readonly amqpTls?: TlsFiles | undefined
  /** Where spans go; missing: nobody has asked for them. */
  readonly tracing?: TracingSettings | undefined
  /** Of the queues that have one. */
  readonly breakers: ReadonlyMap<string, BreakerSettings>
  /** About variables that look misspelt, and values that can hardly be meant; logged at start. */
  readonly warnings: readonly string[]
}

export type ConfigSource<S extends z.ZodRawShape, Q extends string> = {
  /** Of the service: `EBS_<NAME>_PORT` is its port. */
  readonly name: string
  /** Port when the variable is not set. */
  readonly port: number
  /** The service's own variables by name, with schemas of `settings.ts`; `{}` for none. */
  readonly own: S
  /** Queues whose retry settings the service needs: those that it consumes, as a rule. */
  readonly queues?: readonly Q[]
}

/**
 * Reads a service's whole configuration once: what all services share, its port, its own variables and the retry settings of
 * its queues. Throws ConfigError with every mistake at once.
 */
export function readServiceConfig<S extends z.ZodRawShape, Q extends string = never>(
  source: ConfigSource<S, Q>,
  env?: Env,
): ServiceConfig & { readonly own: z.output<z.ZodObject<S>>; readonly retry: ReadonlyMap<Q, RetrySettings> } {
  const given = onlySet(env ?? process.env)
  const portVariable = `EBS_${source.name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}_PORT`
  const shared = commonSchema.safeParse(given)
  const ownPort = z.object({ [portVariable]: port.default(source.port) }).safeParse(given)
  const own = z.object(source.own).safeParse(given)
  const retry = retryEnv(source.queues ?? [], given)
  const breakers = breakerEnv(source.queues ?? [], given)
  const auth = authEnv(given)
  const tracing = tracingEnv(given)
  const tls = tlsEnv(given)

  const mistakes = [
    ...mistakesOf(shared, given),
    ...hostMistakes(given),
    ...auth.mistakes,
    ...tls.mistakes,
    ...mistakesOf(ownPort, given),
    ...mistakesOf(own, given),
    ...retry.mistakes,
    ...breakers.mistakes,
  ]
  const known = [
    ...Object.keys(common),
    ...authVariables,
    ...tlsVariables,
    portVariable,
    ...Object.keys(source.own),
    ...retryVariables(source.queues ?? []),
    ...breakerVariables(source.queues ?? []),
  ]
  const slips = misspelt(
    Object.keys(given).filter((name) => name.startsWith('EBS_')),
    known,
  )
  if (!shared.success || !ownPort.success || !own.success || mistakes.length > 0) throw new ConfigError(mistakes, slips)
  return {
    ...named(shared.data),
    port: ownPort.data[portVariable] ?? source.port,
    portVariable,
    auth: auth.settings,
    amqpTls: tls.files,
    tracing: tracing.settings,
    own: own.data,
    retry: retry.settings,
    breakers: breakers.settings,
    warnings: [...auth.warnings, ...tracing.warnings, ...tls.warnings, ...slips],
  }
}

const named = (env: z.output<typeof commonSchema>) => ({
  amqpUrl: env.EBS_AMQP_URL ?? `amqp://guest:guest@${env.QUEUE_URL ?? '127.0.0.1:5672'}`,
  amqpManagementUrl: env.EBS_AMQP_MANAGEMENT_URL,
  dataDir: env.EBS_DATA_DIR,
  host: env.EBS_HOST,
  lanes: env.EBS_LANES,
  logLevel: env.EBS_LOG_LEVEL,
  /** Missing: follows how long the work takes. */
  prefetch: env.EBS_PREFETCH,
  queueType: env.EBS_QUEUE_TYPE,
  /** Missing: none on loopback, and elsewhere what `rate-limits.ts` says. */
  requestsPerMinuteMax: env.EBS_REQUESTS_PER_MINUTE,
  /** Both missing: what `rate-limits.ts` says. */
  subjectRequestsPerMinuteMax: env.EBS_SUBJECT_REQUESTS_PER_MINUTE,
  authFailuresPerMinuteMax: env.EBS_AUTH_FAILURES_PER_MINUTE,
  /** Who declares exchanges and queues: this service, or somebody before it. */
  topology: env.EBS_TOPOLOGY,
  shutdownTimeoutMs: env.EBS_SHUTDOWN_TIMEOUT_MS,
  /** Missing: none, and whoever connects is the client. */
  trustProxy: env.EBS_TRUST_PROXY,
  waitMsMax: env.EBS_WAIT_MS_MAX,
})

const onlySet = (env: Env): Env => Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim()))

function mistakesOf(result: z.ZodSafeParseResult<unknown>, env: Env): readonly Mistake[] {
  if (result.success) return []
  const byVariable = new Map(result.error.issues.map((issue) => [String(issue.path[0]), issue.message]))
  return [...byVariable].map(([variable, accepted]) => ({ variable, given: shown(variable, env[variable]), accepted }))
}

/** Without tokens anyone who reaches the port may do anything, so it opens to other machines only when that is said twice. */
function hostMistakes(env: Env): readonly Mistake[] {
  const host = env.EBS_HOST
  if (host === undefined || isLoopback(host) || env.EBS_AUTH === 'jwt' || env.EBS_INSECURE_PUBLIC === 'true') return []
  const accepted =
    'a loopback address, because no token is asked for; EBS_AUTH=jwt asks for them and allows any address, and so does EBS_INSECURE_PUBLIC=true without asking'
  return [{ variable: 'EBS_HOST', given: host, accepted }]
}

const GIVEN_CHARS_MAX = 200

function shown(variable: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined
  // The path of a webhook is as good as a password.
  if (/PASSWORD|SECRET|TOKEN|CREDENTIAL|WEBHOOK|_KEY$/.test(variable)) return '***'
  // What is not a URL may still be one with a slip in it, password included.
  const masked = variable.endsWith('_URL') ? redactUrl(value).replace(/^.*@/, '***@') : redactUrl(value)
  return masked.slice(0, GIVEN_CHARS_MAX)
}
