import { z } from 'zod'
import { vhostIn } from '../../shared/service/amqp-urls.ts'
import { NotDoneError } from '../cli/exit-code.ts'

const ANSWER_MS_MAX = 30_000
const REASON_CHARS_MAX = 200
const refusalSchema = z.object({ reason: z.unknown() })

const WHERE = 'EBS_AMQP_MANAGEMENT_URL says where it is.'
const RIGHTS =
  'The user in EBS_AMQP_MANAGEMENT_URL needs its password, the tag `management` and rights in this virtual host.'
const NO_NUMBERS =
  'A broker that gathers no statistics (management_agent.disable_metrics_collector) does not tell who consumes: switch them on.'
const NO_VHOST = 'EBS_AMQP_URL says which it is.'

/** The management API of a broker, read. Every question throws NotDoneError, with what to do, when it cannot be answered. */
export class Management {
  readonly #url: string
  readonly #vhost: string

  constructor({ amqpUrl, managementUrl }: { amqpUrl: string; managementUrl: string }) {
    this.#url = managementUrl
    this.#vhost = vhostIn(amqpUrl)
  }

  /** One thing, or undefined when there is none. `kind` is in the plural. */
  async find<T extends z.ZodType>(schema: T, kind: string, name: string): Promise<z.output<T> | undefined> {
    const answer = await this.#ask(schema, `${kind}/${this.#vhostPart}/${name}`)
    return answer.status === 404 ? undefined : answer.body
  }

  /** All of a kind in the virtual host. */
  async list<T extends z.ZodType>(schema: T, kind: string): Promise<z.output<T>> {
    const answer = await this.#ask(schema, `${kind}/${this.#vhostPart}`)
    if (answer.status !== 404) return answer.body
    throw this.#unusable(`it knows no virtual host "${this.#vhost}"`, NO_VHOST)
  }

  /** What not every user may see; undefined for who may not. */
  async listIfAllowed<T extends z.ZodType>(
    schema: T,
    kind: string,
    { inVhost }: { readonly inVhost: boolean },
  ): Promise<z.output<T> | undefined> {
    const answer = await this.#ask(schema, inVhost ? `${kind}/${this.#vhostPart}` : kind, [401, 403, 404])
    return answer.status === 200 ? answer.body : undefined
  }

  get #vhostPart(): string {
    return encodeURIComponent(this.#vhost)
  }

  async #ask<T extends z.ZodType>(
    schema: T,
    path: string,
    others: readonly number[] = [404],
  ): Promise<{ readonly status: 200; readonly body: z.output<T> } | { readonly status: 404 }> {
    const { origin, username, password, pathname } = new URL(this.#url)
    const user = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
    let response: Response
    try {
      response = await fetch(`${origin}${pathname.replace(/\/$/, '')}/api/${path}`, {
        headers: { authorization: `Basic ${user}` },
        signal: AbortSignal.timeout(ANSWER_MS_MAX),
      })
      if (response.ok) return { status: 200, body: schema.parse(await response.json()) }
    } catch (error) {
      throw this.#unusable(error instanceof Error ? error.message : String(error), WHERE, error)
    }
    const { status } = response
    const reason = await reasonIn(response)
    if (others.includes(status)) return { status: 404 }
    throw this.#unusable(`it answered ${status}${reason}`, todoFor(status, path))
  }

  #unusable(why: string, todo: string, cause?: unknown): NotDoneError {
    return new NotDoneError(`The management API at ${new URL(this.#url).origin} cannot be asked (${why}). ${todo}`, {
      cause,
    })
  }
}

function todoFor(status: number, path: string): string {
  if (status === 401 || status === 403) return RIGHTS
  return status === 400 && path.startsWith('consumers/') ? NO_NUMBERS : WHERE
}

/** RabbitMQ's own words, if they are RabbitMQ's. Reads the body, so that the connection is free again. */
async function reasonIn(response: Response): Promise<string> {
  try {
    const { reason } = refusalSchema.parse(JSON.parse(await response.text()))
    return `: ${String(reason).slice(0, REASON_CHARS_MAX)}`
  } catch {
    // A proxy's page, or nothing: the status says enough.
    return ''
  }
}
