import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { Body } from '../events.ts'
import { controlSaid, exchanges, parkingQueue, type QueueType } from '../topology.ts'
import { type Broker, ClosedError, TopologyDriftError } from './broker.ts'
import { toMessage } from './envelope.ts'
import { newId } from './ids.ts'
import { isJudged, scopeOf, useOf } from './rule-chain.ts'
import type { Confirmable } from './rule-records.ts'
import type { Member, UnderWay } from './rules.ts'

export type ConfirmationOptions = {
  readonly broker: Pick<Broker, 'state' | 'onState' | 'publish' | 'declare'>
  readonly service: string
  readonly clock: Clock
  readonly log: Logger
  readonly queueType: QueueType
}

/** Between two tries while the broker is away or refuses. */
const AGAIN_MS = 1_000
/** Who is asked to confirm once more has not just done so: old questions are read again by each reconnect. */
const SAID_MS_MIN = 10_000

type Said = {
  readonly revision: number
  /** When it was confirmed; undefined when it is about to be. */
  atMs?: number
}

/** Tells the hub which consumers of this process apply which revision of a rule. */
export class RuleConfirmations {
  readonly #options: ConfirmationOptions
  /** The newest revision of each rule that each consumer has confirmed, or is about to. */
  readonly #members = new Map<Member, Map<string, Said>>()

  constructor(options: ConfirmationOptions) {
    this.#options = options
  }

  get members(): Iterable<Member> {
    return this.#members.keys()
  }

  /** A consumer starts, and confirms what there is. Gives the function that ends it. */
  join(member: Member, records: readonly Confirmable[]): () => void {
    this.#members.set(member, new Map())
    for (const record of records) this.#begin(member, record)
    return () => this.#members.delete(member)
  }

  /** A record that is news. To be called as soon as it is applied: what is under way now was judged without it. */
  tell(record: Confirmable): void {
    for (const member of this.#members.keys()) this.#begin(member, record)
  }

  /** A record that is known, of which the hub lacks the confirmations. */
  tellAgain(record: Confirmable): void {
    const nowMs = this.#options.clock.now()
    for (const [member, all] of this.#members) {
      const atMs = all.get(record.id)?.atMs
      if (atMs !== undefined && Math.abs(nowMs - atMs) >= SAID_MS_MIN) this.#begin(member, record)
    }
  }

  #begin(member: Member, record: Confirmable): void {
    if (!record.queues.includes(member.queue)) return
    const said = { revision: record.revision }
    this.#members.get(member)?.set(record.id, said)
    const settled = [...member.underWay()]
      .filter((one) => isConcerned(one, member.queue, record))
      .map(({ done }) => done)
    void this.#confirm(member, record, { said, settled: Promise.all(settled) })
  }

  /** Never rejects: tries again until it is confirmed, or there is a newer revision, or the consumer is gone. */
  async #confirm(member: Member, record: Confirmable, { said, settled }: Pending): Promise<void> {
    const { clock, log } = this.#options
    const isWanted = () => this.#members.get(member)?.get(record.id) === said
    while (isWanted()) {
      try {
        if ('rule' in record) {
          // What is asked of a broker that is away happens when it is back, and the rule may be over by then.
          await connected(this.#options.broker)
          if (!isWanted()) return
          await this.#declare(record.id, member.queue)
        }
        await settled
        if (isWanted()) await this.#publish(member, record)
        said.atMs = clock.now()
        return
      } catch (error) {
        if (error instanceof ClosedError) return
        log.warn(
          { err: error, rule: record.id, queue: member.queue },
          'could not confirm a sideline rule; trying again',
        )
      }
      await new Promise<void>((resolve) => clock.after(AGAIN_MS, resolve))
    }
  }

  async #declare(rule: string, queue: string): Promise<void> {
    const { broker, log, queueType } = this.#options
    try {
      await broker.declare(parkingQueue(rule, queue, queueType))
    } catch (error) {
      if (!(error instanceof TopologyDriftError)) throw error
      log.warn(
        { err: error, rule, queue },
        'a parking queue has other arguments than this version gives it; it is used',
      )
    }
  }

  async #publish({ queue, tag }: Member, record: Confirmable): Promise<void> {
    const { id, revision } = record
    const problem = 'problem' in record ? { problem: record.problem.slice(0, PROBLEM_CHARS_MAX) } : {}
    await publishRecord(this.#options, { type: 'SIDELINE_APPLIED', id, revision, queue, consumer: tag, ...problem })
  }
}

type Pending = { readonly said: Said; readonly settled: Promise<unknown> }

const PROBLEM_CHARS_MAX = 1_024

/** Resolves when the broker is there and the stream of rules has been read; or when it never will be. */
async function connected(broker: ConfirmationOptions['broker']): Promise<void> {
  while (broker.state === 'connecting')
    await new Promise<void>((resolve) => {
      const end = broker.onState(() => {
        end()
        resolve()
      })
    })
}

/** Appends what a consumer says to the stream of rules; resolves when that is confirmed. */
export function publishRecord(
  { broker, service, clock }: Pick<ConfirmationOptions, 'broker' | 'service' | 'clock'>,
  body: Body<'SIDELINE_APPLIED'> | Body<'SIDELINE_TRIED'>,
): Promise<void> {
  const atMs = clock.now()
  const id = newId(atMs)
  const message = toMessage(body, { id, service, correlationId: id, atMs })
  // Under a key of its own: whoever has the right to it has none to write rules.
  return broker.publish({ ...message, exchange: exchanges.direct, key: controlSaid, mandatory: true })
}

/** Whether a delivery that was judged before must be settled, so that nothing happens any more as if the record were not there. */
function isConcerned({ event, parkedBy }: UnderWay, queue: string, record: Confirmable): boolean {
  if (!('rule' in record)) return record.phase === 'lifted' && parkedBy === record.id
  // Before what is parked is counted for the last time, all of it must be there.
  if (parkedBy !== undefined) return record.phase === 'hold' && parkedBy === record.id
  const { rule, filter } = record
  if (!isJudged(event.type) || event.meta.released.includes(useOf(rule))) return false
  // Its headers are not at hand: it may match.
  return filter.touches.has('headers') || filter.test(scopeOf(event, queue, {})) === 'match'
}
