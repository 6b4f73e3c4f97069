import { type Bus, delayed, publish } from '../../../shared/bus/bus.ts'
import { type Event, toMessage } from '../../../shared/bus/envelope.ts'
import { Retryable, Unrecoverable } from '../../../shared/bus/retry.ts'
import { HttpAgent } from '../../../shared/service/http-agent.ts'
import type { Item, Seen } from './remediation-item.ts'

export type WebhookOptions = {
  readonly bus: Bus
  /** What it says besides its host is a secret: such urls hold tokens. */
  readonly url: string | undefined
  readonly find: (sagaId: string) => Promise<Seen | undefined>
}

type Notice = Event<'REMEDIATION_NOTICE'>

const CALL_MS_MAX = 10_000
const CALLS_MAX = 8
/** Together with the calls far fewer than the errands that are taken at once: others find a place beside a webhook that hangs. */
const WAITING_MAX = 40
/** What finds no place comes back within this time. */
const PUT_OFF_MS_MIN = 2_000
const PUT_OFF_MS_MAX = 20_000
/** Nobody looks at what a webhook answers. */
const ANSWER_BYTES_MAX = 65_536
const MS_PER_S = 1_000
/** Refusals that may pass: the other side was slow, or has enough for now. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429])

/** Tells whoever listens outside that a journey needs a person: one POST for each notice, again and again until it is taken. */
export class Webhook {
  readonly #options: WebhookOptions
  readonly #agent = new HttpAgent({ connections: CALLS_MAX, connect: { timeout: CALL_MS_MAX } })
  #calls = 0
  readonly #waiting: (() => void)[] = []

  constructor(options: WebhookOptions) {
    this.#options = options
  }

  /** Resolves when it is told, or nobody need be. Rejects with Retryable, or with Unrecoverable when it will never be taken. */
  async run(notice: Notice): Promise<void> {
    const { bus, url, find } = this.#options
    if (url === undefined)
      return bus.log.debug({ journey: notice.data.sagaId }, 'nobody outside wants to be told any more')
    if (this.#calls >= CALLS_MAX && this.#waiting.length >= WAITING_MAX) return this.#putOff(notice)
    await this.#begin()
    try {
      const item = (await find(notice.data.sagaId))?.item
      // It has gone on, and if it needs a person again, another notice says so.
      if (item?.since !== notice.data.since) return
      await this.#call(new URL(url), notice.meta, item)
    } finally {
      this.#end()
    }
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  async #begin(): Promise<void> {
    if (this.#calls < CALLS_MAX) this.#calls++
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  /** Its place goes to the next one. */
  #end(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#calls--
  }

  async #call(url: URL, { id, traceparent }: Notice['meta'], item: Item): Promise<void> {
    const trace = traceparent === undefined ? {} : { traceparent }
    const headers = { 'content-type': 'application/json', 'idempotency-key': id, ...trace }
    const answer = await this.#post(url, headers, item)
    const { statusCode: status } = answer
    if (status >= 200 && status < 300) return
    const what = `The webhook of EBS_REMEDIATION_WEBHOOK answered ${status} to the notice about ${item.id}`
    if (status >= 400 && status < 500 && !PASSING.has(status))
      throw new Unrecoverable(`${what}: it will not take it. Mend it, and replay this message.`)
    const after = answer.headers['retry-after']
    throw new Retryable(`${what}.`, typeof after === 'string' ? { retryAfterMs: Number(after) * MS_PER_S } : {})
  }

  async #post({ origin, pathname, search, username, password }: URL, headers: Record<string, string>, item: Item) {
    const name = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
    try {
      const answer = await this.#agent.request(`${origin}${pathname}${search}`, {
        method: 'POST',
        headers: {
          ...headers,
          ...(name !== ':' && { authorization: `Basic ${Buffer.from(name).toString('base64')}` }),
        },
        body: JSON.stringify(item),
        signal: AbortSignal.timeout(CALL_MS_MAX),
      })
      await answer.body.dump({ limit: ANSWER_BYTES_MAX })
      return answer
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new Retryable(
        `The webhook of EBS_REMEDIATION_WEBHOOK did not answer to the notice about ${item.id}: ${why}`,
      )
    }
  }

  /** Not as an attempt that failed: it only waited. */
  async #putOff({ data, meta }: Notice): Promise<void> {
    const { bus } = this.#options
    const { id, correlationId, causationId, tenant, traceparent, attempt } = meta
    const message = toMessage(data, {
      ...{ id, service: bus.service, correlationId, causationId, tenant, traceparent, atMs: bus.clock.now() },
    })
    const { properties } = message
    const delayMs = PUT_OFF_MS_MIN + Math.random() * (PUT_OFF_MS_MAX - PUT_OFF_MS_MIN)
    const again = {
      ...message,
      properties: { ...properties, headers: { ...properties.headers, 'x-ebs-attempt': attempt } },
    }
    await publish(bus, { ...delayed(again, delayMs, 'hub_work'), mandatory: true })
  }
}
