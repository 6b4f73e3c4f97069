import { resolve } from 'node:path'
import { type Env, readServiceConfig, type ServiceConfig } from '../shared/service/config.ts'
import { ConfigError, type Mistake } from '../shared/service/errors.ts'
import { oneOf } from '../shared/service/settings.ts'
import type { TlsFiles } from '../shared/service/tls-settings.ts'
import { type ServiceName, services } from './services.ts'

/** Ways to a broker that `EBS_BROKER` can force. */
const forcible = ['url', 'local', 'docker', 'memory'] as const
const forcedSchema = oneOf(...forcible).optional()

export type Forced = (typeof forcible)[number]

/** What the set-up scripts read of the environment. */
export type SetUpConfig = {
  /** The project's folder. */
  readonly root: string
  readonly forced: Forced | undefined
  /** By `EBS_AMQP_URL` or `QUEUE_URL`; undefined when neither is set. */
  readonly amqpUrl: string | undefined
  /** For an `amqpUrl` of `amqps://`. */
  readonly amqpTls?: TlsFiles | undefined
  readonly amqpManagementUrl: string | undefined
  readonly dataDir: string
  /** Where the services listen. */
  readonly host: string
  readonly services: readonly ServicePlace[]
  readonly shutdownTimeoutMs: number
  readonly dockerHost: string | undefined
  /** Folders with programs. */
  readonly path: readonly string[]
  /** What child processes start from. */
  readonly env: Env
}

/** A service with its HTTP port, 0 for any free one, and the variable that sets it. */
export type ServicePlace = { readonly name: ServiceName; readonly port: number; readonly portVariable: string }

/** Reads the environment; throws ConfigError with every mistake at once. */
export function readSetUpConfig(root: string, env: Env = process.env): SetUpConfig {
  const mistakes = new Map<string, Mistake>()
  const note = (mistake: Mistake) => mistakes.set(mistake.variable, mistake)
  const configs = services.flatMap(({ name, port }): (ServiceConfig & { readonly name: ServiceName })[] => {
    try {
      return [{ ...readServiceConfig({ name, port, own: {} }, env), name }]
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      error.mistakes.forEach(note)
      return []
    }
  })
  const isAddressed = isSet(env.EBS_AMQP_URL) || isSet(env.QUEUE_URL)
  const forced = forcedSchema.safeParse(env.EBS_BROKER?.trim() || undefined)
  if (!forced.success) {
    note({ variable: 'EBS_BROKER', given: env.EBS_BROKER, accepted: forced.error.issues[0]?.message ?? '' })
  } else if (forced.data === 'url' && !isAddressed) {
    const accepted = 'the url of a broker, such as amqp://guest:guest@127.0.0.1:5672, because EBS_BROKER is url'
    note({ variable: 'EBS_AMQP_URL', given: undefined, accepted })
  }
  const [shared] = configs
  if (!shared || !forced.success || mistakes.size > 0) throw new ConfigError([...mistakes.values()])
  return {
    root,
    forced: forced.data,
    amqpUrl: isAddressed ? shared.amqpUrl : undefined,
    amqpTls: shared.amqpTls,
    amqpManagementUrl: shared.amqpManagementUrl,
    dataDir: resolve(root, shared.dataDir),
    host: shared.host,
    services: configs.map(({ name, port, portVariable }) => ({ name, port, portVariable })),
    shutdownTimeoutMs: shared.shutdownTimeoutMs,
    dockerHost: env.DOCKER_HOST?.trim() || undefined,
    path: (env.PATH ?? '').split(':').filter((folder) => folder !== ''),
    env,
  }
}

/**
 * What a service that is started alone needs around it. Mistakes in its configuration are left to itself: it knows all of its variables,
 * so that it can say everything at once. EBS_BROKER is none of them: it would take it for a slip.
 */
export function readLoneService(
  root: string,
  name: ServiceName,
  given: Env = process.env,
): Pick<SetUpConfig, 'root' | 'shutdownTimeoutMs' | 'env'> {
  const { EBS_BROKER, ...env } = given
  try {
    const { shutdownTimeoutMs } = readServiceConfig({ name, port: 0, own: {} }, env)
    return { root, env, shutdownTimeoutMs }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    // It ends by itself, at once.
    return { root, env, shutdownTimeoutMs: 0 }
  }
}

const isSet = (value: string | undefined) => Boolean(value?.trim())
