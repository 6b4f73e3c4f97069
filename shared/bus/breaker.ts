import { hash } from 'node:crypto'
import type { Logger } from 'pino'
import { CelError } from '../cel/cel-error.ts'
import type { Clock } from '../clock.ts'
import type { Body } from '../events.ts'
import type { BreakerSettings } from '../service/breaker-settings.ts'
import { addOutcome, type BreakerWindow, type Trip } from './breaker-window.ts'
import { type Broker, ClosedError } from './broker.ts'
import { type Event, toMessage } from './envelope.ts'
import { compileFilter, compileNaming, type Naming } from './filter.ts'
import { newId } from './ids.ts'
import { isJudged, scopeOf } from './rule-chain.ts'
import type { OutcomeWatcher } from './rules.ts'

export type BreakerOptions = {
  readonly broker: Pick<Broker, 'publish'>
  readonly service: string
  readonly clock: Clock
  readonly log: Pick<Logger, 'warn'>
  readonly rules: {
    isInForce(id: string): boolean
    inForce(): readonly { readonly id: string }[]
    /** Resolves when rules change. */
    changed(): Promise<void>
  }
  /** By queue; a queue that is not in it is not watched. */
  readonly settings: ReadonlyMap<string, BreakerSettings>
}

/** Tenants or dependencies that are watched at once, of all queues; the one that was not heard of for longest goes. */
const KEYS_MAX = 10_000
const VALUE_CHARS_MAX = 128
/** The hub starts a rule within this, or says why not; then the command may be repeated. */
const COMMANDED_MS = 30_000

/**
 * Rules of breakers that may be in force at once. When more tenants fail, it is not them that something is wrong with; and as many rules
 * as the hub takes at all would leave none to people.
 */
export const BREAKER_RULES_MAX = 40

type Watched = BreakerSettings & { readonly naming: Naming }
type Key = { window: BreakerWindow; commandedAtMs: number }

/**
 * Circuit breaker: when too large a share of the attempts for one tenant (or whatever `by` names) fails, it has the rest set aside by a
 * sideline rule, which tries one message every so often and resolves itself. Throws CelError when `by` is no expression.
 */
export class Breaker implements OutcomeWatcher {
  readonly #options: BreakerOptions
  readonly #watched: ReadonlyMap<string, Watched>
  readonly #keys = new Map<string, Key>()
  /** Rules asked for that are not in force yet, and when. */
  readonly #asked = new Map<string, number>()
  /** Of these, the ones that are to be told of in the log. */
  readonly #awaited = new Set<string>()
  #fullSinceMs = Number.NEGATIVE_INFINITY

  constructor(options: BreakerOptions) {
    this.#options = options
    this.#watched = new Map(
      [...options.settings].map(([queue, settings]) => [queue, { ...settings, naming: compileBy(settings.by) }]),
    )
  }

  observe(queue: string, event: Event, hasFailed: boolean): void {
    const watched = this.#watched.get(queue)
    if (!watched || !isJudged(event.type)) return
    const value = watched.naming.read(scopeOf(event, queue, {}))
    if (value === undefined || String(value).length > VALUE_CHARS_MAX) return
    const key = this.#keyOf(JSON.stringify([queue, value]))
    const atMs = this.#options.clock.now()
    const { window, trip } = addOutcome(key.window, { atMs, hasFailed }, watched)
    key.window = window
    if (trip && atMs >= key.commandedAtMs + COMMANDED_MS) this.#start(queue, value, { watched, key, trip })
  }

  #keyOf(name: string): Key {
    const key = this.#keys.get(name) ?? { window: [], commandedAtMs: Number.NEGATIVE_INFINITY }
    this.#keys.delete(name)
    this.#keys.set(name, key)
    const [oldest] = this.#keys.keys()
    if (oldest !== undefined && this.#keys.size > KEYS_MAX) this.#keys.delete(oldest)
    return key
  }

  #start(queue: string, value: string | number | boolean, found: { watched: Watched; key: Key; trip: Trip }): void {
    const { clock, log, rules, service } = this.#options
    const { watched, key, trip } = found
    const id = breakerRuleId(queue, String(value))
    const filter = filterFor(watched.by, value)
    if (filter === undefined || rules.isInForce(id) || this.#isFull(queue)) return
    key.commandedAtMs = clock.now()
    this.#asked.set(id, key.commandedAtMs)
    const reason = `${trip.failed} of ${trip.attempts} attempts failed within ${watched.windowMs / 1_000} s`
    const actor = `breaker@${service}`
    const { probeMs } = watched
    log.warn({ rule: id, queue, filter, reason }, 'too much fails: the breaker asks for a rule')
    this.#publish({
      type: 'SIDELINE_COMMAND',
      action: 'start',
      id,
      filter,
      queues: [queue],
      actor,
      reason,
      probeMs,
    }).then(
      () => this.#tellWhenInForce(id, queue),
      (error: unknown) => {
        key.commandedAtMs = Number.NEGATIVE_INFINITY
        this.#asked.delete(id)
        if (!(error instanceof ClosedError)) log.warn({ err: error, rule: id }, 'the breaker could not start its rule')
      },
    )
  }

  /** Not when it is asked for: the hub may be away, or refuse it. */
  async #tellWhenInForce(id: string, queue: string): Promise<void> {
    const { log, rules } = this.#options
    if (this.#awaited.has(id) || this.#awaited.size >= BREAKER_RULES_MAX) return
    this.#awaited.add(id)
    while (!rules.isInForce(id) && this.#asked.has(id)) await rules.changed()
    this.#awaited.delete(id)
    if (rules.isInForce(id)) log.warn({ rule: id, queue }, 'the breaker sets aside what matches')
  }

  /** Says so every half minute. Those of other processes count as soon as they are in force. */
  #isFull(queue: string): boolean {
    const { clock, log, rules } = this.#options
    const nowMs = clock.now()
    for (const [id, atMs] of this.#asked)
      if (nowMs >= atMs + COMMANDED_MS || rules.isInForce(id)) this.#asked.delete(id)
    const open = rules.inForce().filter(({ id }) => id.startsWith(RULE_PREFIX)).length + this.#asked.size
    if (open < BREAKER_RULES_MAX) return false
    if (nowMs >= this.#fullSinceMs + COMMANDED_MS) {
      this.#fullSinceMs = nowMs
      log.warn(
        { queue, rules: open },
        'too many fail at once for the breaker to set each aside: look at what all of them need',
      )
    }
    return true
  }

  async #publish(body: Body<'SIDELINE_COMMAND'>): Promise<void> {
    const { broker, clock, service } = this.#options
    const atMs = clock.now()
    const id = newId(atMs)
    await broker.publish(toMessage(body, { id, service, correlationId: id, atMs }))
  }
}

/** What a breaker tells messages apart by. Throws CelError. */
export function compileBy(by: string): Naming {
  const naming = compileNaming(by)
  if (!naming.touches.has('headers')) return naming
  throw new CelError(
    'filter',
    'headers are not at hand when an attempt has ended: name it by event, tenant, type or key',
    0,
  )
}

const RULE_PREFIX = 'breaker.'
const ID_CHARS_MAX = 64
const DIGEST_CHARS = 8

/** The id of the rule for a value of a queue: readable, legal, and another one for each. */
export function breakerRuleId(queue: string, value: string): string {
  const readable = `${RULE_PREFIX}${queue}.${value}`
  const safe = readable.replace(/[^A-Za-z0-9._-]/g, '_')
  if (safe === readable && safe.length <= ID_CHARS_MAX) return safe
  const digest = hash('sha256', readable).slice(0, DIGEST_CHARS)
  return `${safe.slice(0, ID_CHARS_MAX - DIGEST_CHARS - 1)}-${digest}`
}

/** Undefined for a value that cannot be written in a filter, such as half a surrogate pair. */
function filterFor(by: string, value: string | number | boolean): string | undefined {
  const path = /^[\w.]+$/.test(by) ? by : `(${by})`
  const filter = `${path} == ${JSON.stringify(value)}`
  try {
    compileFilter(filter)
    return filter
  } catch {
    return undefined
  }
}
