import { hostname, userInfo } from 'node:os'
import { z } from 'zod'
import type { Env } from '../../shared/service/config.ts'
import { ConfigError, type Mistake } from '../../shared/service/errors.ts'
import { redactUrl } from '../../shared/service/redact.ts'
import { brokerUrls, oneOf, urlOf, wholeNumber } from '../../shared/service/settings.ts'
import { type TlsFiles, tlsEnv } from '../../shared/service/tls-settings.ts'
import type { QueueType } from '../../shared/topology.ts'
import { type UserName, userNames } from '../broker/definitions.ts'
import { type ServiceName, services } from '../services.ts'

/** What the command line reads of the environment. */
export type CliConfig = {
  /** Where each service answers. */
  readonly urls: ReadonlyMap<ServiceName, string>
  readonly amqpUrl: string
  readonly amqpManagementUrl: string | undefined
  readonly queueType: QueueType
  /** Where the services keep their stores. */
  readonly dataDir: string
  /** For `amqps://`. */
  readonly amqpTls?: TlsFiles | undefined
  /** Of the broker's users, those that are set; shown nowhere. */
  readonly passwords?: ReadonlyMap<UserName, string>
  /** The command that edits a file. */
  readonly editor: string
  /** For services that ask for one. It is shown nowhere. */
  readonly token: string | undefined
  /** Who acts, unless `--actor` says otherwise. */
  readonly actor: string
  /** Neither `NO_COLOR` nor a terminal without colours. */
  readonly isColourful: boolean
}

/** As the API takes it. */
const ACTOR_CHARS_MAX = 128

/** RFC 6750. Anything else is no header, and would be quoted by the error that says so. */
const TOKEN = /^[\w.~+/-]+=*$/

/** Nobody here takes one, fetch refuses it, and it would stand in errors and in the list of processes. */
export const hasUser = (url: string): boolean => {
  const { username, password } = URL.parse(url) ?? {}
  return Boolean(username || password)
}
/** A password may hold what ends a host, and a token may stand where the user does. */
export const maskUser = (url: string) => redactUrl(url).replaceAll(/\/\/[^@/]*@/g, '//***@')
export const WITHOUT_USER = 'a URL without user and password; a token goes into EBS_TOKEN'

const place = {
  url: urlOf(['http:', 'https:'], 'http://127.0.0.1:8081')
    .refine((url) => !hasUser(url), WITHOUT_USER)
    .optional(),
  // 0 lets a service take any free port, which nobody here can know.
  port: wholeNumber({ min: 1, max: 65_535 }),
}
const common = {
  EBS_AMQP_URL: brokerUrls.optional(),
  QUEUE_URL: z.string().optional(),
  EBS_AMQP_MANAGEMENT_URL: urlOf(['http:', 'https:'], 'http://guest:guest@127.0.0.1:15672').optional(),
  EBS_QUEUE_TYPE: oneOf('quorum', 'classic').default('quorum'),
  EBS_DATA_DIR: z.string().default('data'),
  EBS_TOKEN: z
    .string()
    .trim()
    .regex(TOKEN, 'a bearer token: letters, digits and - . _ ~ + / =, nothing else')
    .optional(),
  VISUAL: z.string().optional(),
  EDITOR: z.string().optional(),
  NO_COLOR: z.string().optional(),
  TERM: z.string().optional(),
}

/** Reads the environment; throws ConfigError with every mistake at once. */
export function readCliConfig(env: Env = process.env): CliConfig {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim()))
  const parsed = z.object(common).safeParse(given)
  const mistakes = parsed.success ? [] : mistakesOf(parsed.error, given)
  const places = services.map(({ name, port }) => placeOf(name, port, given))
  const tls = tlsEnv(given)
  const passwords = userNames.map((name) => passwordOf(name, given))
  mistakes.push(...[...places, ...passwords].flatMap((one) => one.mistakes), ...tls.mistakes)
  if (!parsed.success || mistakes.length > 0) throw new ConfigError(mistakes)
  const { EBS_AMQP_URL, QUEUE_URL, ...rest } = parsed.data
  return {
    urls: new Map(places.map(({ name, url }) => [name, url])),
    amqpUrl: EBS_AMQP_URL ?? `amqp://guest:guest@${QUEUE_URL ?? '127.0.0.1:5672'}`,
    amqpManagementUrl: rest.EBS_AMQP_MANAGEMENT_URL,
    queueType: rest.EBS_QUEUE_TYPE,
    dataDir: rest.EBS_DATA_DIR,
    amqpTls: tls.files,
    passwords: new Map(passwords.flatMap(({ name, password }) => (password === undefined ? [] : [[name, password]]))),
    token: rest.EBS_TOKEN,
    editor: rest.VISUAL ?? rest.EDITOR ?? 'vi',
    actor: userAtHost().slice(0, ACTOR_CHARS_MAX),
    isColourful: rest.NO_COLOR === undefined && rest.TERM !== 'dumb',
  }
}

/** `EBS_<SERVICE>_URL`, or else `EBS_<SERVICE>_PORT` on this machine, or else the service's own port. */
function placeOf(name: ServiceName, port: number, env: Env) {
  const variable = `EBS_${name.toUpperCase()}`
  const schema = z.object({ [`${variable}_URL`]: place.url, [`${variable}_PORT`]: place.port.default(port) })
  const parsed = schema.safeParse(env)
  if (!parsed.success) return { name, url: '', mistakes: mistakesOf(parsed.error, env) }
  const url = parsed.data[`${variable}_URL`] ?? `http://127.0.0.1:${parsed.data[`${variable}_PORT`]}`
  return { name, url: String(url), mistakes: [] }
}

/** What needs no other spelling in a url, where each password stands, too. */
const PASSWORD = /^[A-Za-z0-9._~-]+$/

function passwordOf(name: UserName, env: Env): { name: UserName; password?: string; mistakes: readonly Mistake[] } {
  const variable = `EBS_${name.toUpperCase()}_PASSWORD`
  const password = env[variable]
  if (password === undefined) return { name, mistakes: [] }
  if (PASSWORD.test(password)) return { name, password, mistakes: [] }
  return {
    name,
    mistakes: [{ variable, given: '***', accepted: 'letters, digits and - . _ ~, because it stands in a url' }],
  }
}

const mistakesOf = (error: z.ZodError, env: Env): Mistake[] =>
  error.issues.map(({ path: [name = ''], message }) => {
    const variable = String(name)
    return { variable, given: masked(variable, env[variable]), accepted: message }
  })

function masked(variable: string, given: string | undefined): string | undefined {
  if (variable === 'EBS_TOKEN') return '***'
  return variable.endsWith('_URL') ? maskUser(given ?? '') : given
}

function userAtHost(): string {
  try {
    return `${userInfo().username}@${hostname()}`
  } catch {
    // A container may run as a number that has no name.
    return `user ${process.getuid?.() ?? 'unknown'}@${hostname()}`
  }
}
