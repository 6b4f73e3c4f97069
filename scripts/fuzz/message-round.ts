import fc from 'fast-check'
import type { Received } from '../../shared/bus/broker.ts'
import { metaOf, parseEvent } from '../../shared/bus/envelope.ts'
import { deadQueueOf, exchanges } from '../../shared/topology.ts'
import { complaintAboutDeaths, type Death, heard, isDecision } from './deaths.ts'
import { complaintsAtEnd } from './ends.ts'
import { prepare } from './fixtures.ts'
import { Known } from './known.ts'
import { anyMessage, MARK, messageOf, type WantedMessage } from './messages.ts'
import { type Finding, isOver, type Round, type RoundOptions } from './round.ts'
import { Site } from './site.ts'
import { complaintsAboutCounts, type Sent } from './totals.ts'

const BATCH_MAX = 16
/** All retries of a message, and every handler. */
const SETTLE_MS = 2_000
const LIMIT_MS = 300_000
const DEAD_PREFETCH = 1_000

/** One round of messages to a fresh system, in batches; after each, what died must have had to, and what had to must have died. */
export async function messageRound({ seed, inputs, onInput }: RoundOptions): Promise<Round> {
  await using site = await Site.open()
  await prepare(site, new Known())
  const round = new MessageRound(site, onInput)
  await round.watchTheDead()
  const checked = await fc.check(
    fc.asyncProperty(fc.array(anyMessage(), { minLength: 1, maxLength: BATCH_MAX, size: 'max' }), async (batch) => {
      if (isOver(round, round.sent.length >= inputs)) return
      const complaint = await round.send(batch)
      if (complaint !== undefined) throw new Error(complaint)
    }),
    { seed, numRuns: inputs, interruptAfterTimeLimit: LIMIT_MS },
  )
  const findings: Finding[] = []
  if (checked.failed)
    findings.push({
      what: checked.errorInstance instanceof Error ? checked.errorInstance.message : 'interrupted: it takes too long',
      input: checked.counterexample?.[0],
    })
  const atEnd = [
    ...(await complaintsAtEnd(site, { accepted: [], strict: false })),
    ...(await round.lostConsumers()),
    ...(await complaintsAboutCounts(site, round.sent)),
    ...site.fatal,
  ]
  findings.push(...atEnd.map((what) => ({ what, input: undefined })))
  return { findings, inputs: round.sent.length, statuses: round.statuses }
}

class MessageRound {
  readonly sent: Sent[] = []
  readonly statuses = new Map<string, number>()
  /** When the first complaint came, and from then on everything is about the least that shows it. */
  failedAtMs: number | undefined
  readonly #site: Site
  readonly #onInput: (() => void) | undefined
  readonly #deaths = new Map<string, Death[]>()
  /** What followed from messages of ours and died, without a mark. */
  #strays: Death[] = []
  /** Work queues that somebody took messages from when the round began. */
  readonly #consumed = new Set<string>()
  /** What a group was told to publish at its end: its death, if it is nothing that anyone takes, is the wish of whoever said so. */
  readonly #verbatim = new Set<string>()
  /** By the id of an object or a group: what was sent to open one. */
  readonly #opened = new Map<string, Set<string>>()

  constructor(site: Site, onInput: (() => void) | undefined) {
    this.#site = site
    this.#onInput = onInput
  }

  /** Takes what is in the dead queues, now and from now on. */
  async watchTheDead(): Promise<void> {
    const { stranger } = this.#site
    for (const [queue] of heard) {
      if (await this.#hasConsumer(queue)) this.#consumed.add(queue)
      await this.#site.during(
        stranger.consume(deadQueueOf(queue), { prefetch: DEAD_PREFETCH }, (delivery) => {
          this.#note(queue, delivery.message)
          delivery.ack()
        }),
        SETTLE_MS,
      )
    }
    await this.#site.clock.advance(SETTLE_MS)
    // Those of the preparations.
    this.#strays = []
  }

  /** Publishes all, waits until they are handled; the first complaint, or undefined. */
  async send(batch: readonly WantedMessage[]): Promise<string | undefined> {
    const confirms: Promise<void>[] = []
    const marked: { readonly mark: string; readonly message: Received }[] = []
    for (const wanted of batch) {
      const mark = String(this.sent.length)
      const message = messageOf(wanted, mark)
      const received = { ...message, properties: { ...message.properties, headers: message.properties.headers ?? {} } }
      this.sent.push({
        overExchange: message.exchange === exchanges.events,
        parsed: parseEvent(received),
        meta: metaOf(received),
      })
      this.#remember(received)
      marked.push({ mark, message: received })
      this.#onInput?.()
      confirms.push(this.#site.stranger.publish(message))
    }
    await this.#site.during(Promise.all(confirms), SETTLE_MS)
    await this.#site.clock.advance(SETTLE_MS)
    const complaint = this.#complaint(marked)
    if (complaint !== undefined) this.failedAtMs ??= performance.now()
    return complaint
  }

  /** Queues that somebody consumed when the round began, and nobody does now. */
  async lostConsumers(): Promise<string[]> {
    const lost: string[] = []
    for (const queue of this.#consumed)
      if (!(await this.#hasConsumer(queue))) lost.push(`nobody consumes ${queue} any more`)
    return lost
  }

  async #hasConsumer(queue: string): Promise<boolean> {
    const found = await this.#site.during(this.#site.stranger.inspect(queue), SETTLE_MS)
    return found !== undefined && found.consumers > 0
  }

  #complaint(marked: readonly { readonly mark: string; readonly message: Received }[]): string | undefined {
    if (this.#site.fatal.length > 0) return this.#site.fatal[0]
    for (const { mark, message } of marked) {
      const deaths = this.#deaths.get(mark) ?? []
      for (const word of deaths.length === 0 ? ['handled'] : deaths.map(({ reason }) => reason))
        this.statuses.set(word, (this.statuses.get(word) ?? 0) + 1)
      const complaint = complaintAboutDeaths(message, deaths, this.#consumed)
      if (complaint !== undefined) return `${mark}: ${complaint}`
    }
    const strays = this.#strays.filter((death) => !this.#isWished(death))
    this.#strays = []
    const [stray] = strays
    return (
      stray &&
      `what followed died in ${stray.queue}: ${stray.error}: ${stray.message.body.toString().slice(0, TOLD_CHARS)}`
    )
  }

  #note(queue: string, message: Received): void {
    const { [MARK]: mark, 'x-ebs-reason': reason, 'x-ebs-error': error } = message.properties.headers
    const death = { queue, reason: String(reason), error: String(error), message }
    if (typeof mark !== 'string') this.#strays.push(death)
    else this.#deaths.set(mark, [...(this.#deaths.get(mark) ?? []), death])
  }

  #remember(received: Received): void {
    const parsed = parseEvent(received)
    if (!('data' in parsed)) return
    const { data } = parsed
    if (data.type === 'OBJECT_CREATED') this.#open(data.object.id, data)
    if (data.type !== 'EventGroupCollectorCreate') return
    this.#open(data.id, data)
    const { onsuccess, onfailure } = data.handler ?? {}
    for (const one of [onsuccess, onfailure]) if (one) this.#verbatim.add(JSON.stringify(one.payload))
  }

  #open(id: string, data: unknown): void {
    const opened = this.#opened.get(id) ?? new Set()
    this.#opened.set(id, opened.add(JSON.stringify(data)))
  }

  /** It follows from what was asked for: published verbatim, or (G8) the group of an object whose id another object or group has. */
  #isWished(death: Death): boolean {
    if (this.#verbatim.has(death.message.body.toString())) return true
    const parsed = parseEvent(death.message)
    if (!('data' in parsed) || parsed.data.type !== 'EventGroupCollectorCreate') return false
    return isDecision(death) && (this.#opened.get(parsed.data.id)?.size ?? 0) > 1
  }
}

const TOLD_CHARS = 300
