import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Body } from '../../events.ts'
import { controlStream } from '../../topology.ts'
import { parseEvent } from '../envelope.ts'
import type { RuleBook } from '../rule-book.ts'
import { virtualSite } from './bus-fixture.ts'
import { bookOn, member, ruleOf, say, taskOf } from './rule-fixture.ts'

const ids = ['a', 'b'] as const
const tenants = ['a', 'b', 'c'] as const
const phases = ['park', 'hold', 'lifted'] as const

/** Of one id and revision there is one record: what it says follows from its number. */
const ruleAt = (id: string, revision: number) =>
  ruleOf({ id, revision, episode: 1, phase: phases[revision % phases.length] ?? 'park', filter: `tenant == "${id}"` })

type Action =
  | { readonly act: 'say'; readonly id: string; readonly revision: number }
  | { readonly act: 'handle'; readonly tenant: string }
  | { readonly act: 'end' | 'reconnect' | 'settle' | 'join' }

const actions: fc.Arbitrary<readonly Action[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        act: fc.constant('say' as const),
        id: fc.constantFrom(...ids),
        revision: fc.integer({ min: 1, max: 12 }),
      }),
    },
    { weight: 6, arbitrary: fc.record({ act: fc.constant('handle' as const), tenant: fc.constantFrom(...tenants) }) },
    {
      weight: 8,
      arbitrary: fc.record({
        act: fc.constantFrom('end' as const, 'end' as const, 'settle' as const, 'reconnect' as const, 'join' as const),
      }),
    },
  ),
  { maxLength: 40 },
)

/** The revision of each rule that the book applies; a rule that it does not apply is not in it. */
const appliedIn = (book: RuleBook) => new Map(book.inForce().map(({ id, revision }) => [id, revision]))

/** What the consumers of a service do while rules come and go, and what must hold whenever one of them confirms a rule. */
class Story {
  readonly #site = virtualSite()
  readonly #broker = this.#site.site.connect('book')
  readonly #other = this.#site.site.connect('other')
  readonly #book = bookOn(this.#site.site.bus(this.#broker))
  readonly #consumers = [member('c0')]
  readonly #handled: { readonly end: () => void; readonly tenant: string; readonly tag: string }[] = []
  readonly #said = new Map<string, Set<number>>(ids.map((id) => [id, new Set()]))
  readonly #confirmed = new Map<string, number>()
  /** Confirmations that came while something was under way that they concern. */
  readonly #early: string[] = []
  readonly #saying: Promise<void>[] = []
  #messages = 0

  async run(script: readonly Action[]): Promise<number> {
    await this.#book.loaded()
    for (const consumer of this.#consumers) this.#book.join(consumer)
    await this.#other.follow(controlStream, (message) => {
      const event = parseEvent(message)
      if ('data' in event && event.type === 'SIDELINE_APPLIED') this.#hear(event.data)
    })
    for (const action of script) await this.#act(action)
    await this.#settle()
    for (const { end } of this.#handled.splice(0)) end()
    await this.#settle()
    await Promise.all(this.#saying)
    this.#checkRules()
    this.#checkEnd()
    await this.#site.site[Symbol.asyncDispose]()
    return this.#confirmed.size
  }

  async #act(action: Action): Promise<void> {
    if (action.act === 'say') {
      this.#said.get(action.id)?.add(action.revision)
      // Not awaited: while the broker is away it waits, and the clock stands still.
      this.#saying.push(say(this.#other, ruleAt(action.id, action.revision)))
    } else if (action.act === 'handle') this.#handle(action.tenant)
    else if (action.act === 'end') this.#handled.shift()?.end()
    else if (action.act === 'reconnect') this.#site.memory.restart()
    else if (action.act === 'settle') await this.#settle()
    else {
      const late = member(`c${this.#consumers.length}`)
      this.#consumers.push(late)
      this.#book.join(late)
    }
    this.#checkRules()
  }

  #handle(tenant: string): void {
    const { event, message } = taskOf(++this.#messages, { tenant })
    const judgedBy = appliedIn(this.#book)
    const verdict = this.#book.judge('work', event, message)
    expect(verdict.kind === 'pass' ? undefined : verdict.rule.id).toBe(judgedBy.has(tenant) ? tenant : undefined)
    const consumer = this.#consumers[this.#messages % this.#consumers.length]
    if (verdict.kind === 'pass' && consumer) {
      this.#handled.push({ end: consumer.begin(event), tenant, tag: consumer.tag })
    }
  }

  /** Somebody says that everything that it handles was judged by this revision or a newer one. */
  #hear({ id, revision, consumer }: Body<'SIDELINE_APPLIED'>): void {
    this.#confirmed.set(id, Math.max(revision, this.#confirmed.get(id) ?? 0))
    // With this revision still in force, what it handles of this tenant was judged before it.
    if (appliedIn(this.#book).get(id) !== revision) return
    const handled = this.#handled.filter(({ tenant, tag }) => tenant === id && tag === consumer)
    if (handled.length > 0) this.#early.push(`${consumer} ${id} ${revision}`)
  }

  /** Nobody goes back behind what somebody has confirmed. */
  #checkRules(): void {
    expect(this.#early).toEqual([])
    for (const [id, confirmed] of this.#confirmed) {
      const newer = [...(this.#said.get(id) ?? [])].filter((revision) => revision >= confirmed)
      const applied = appliedIn(this.#book).get(id)
      if (applied === undefined) expect(newer.map((revision) => ruleAt(id, revision).phase)).toContain('lifted')
      else expect(applied).toBeGreaterThanOrEqual(confirmed)
    }
  }

  /** Reconnecting takes a moment, too. */
  #settle(): Promise<void> {
    return this.#site.clock.advance(3_000)
  }

  #checkEnd(): void {
    for (const [id, revisions] of this.#said) {
      const newest = Math.max(0, ...revisions)
      const isOpen = newest > 0 && ruleAt(id, newest).phase !== 'lifted'
      expect(appliedIn(this.#book).get(id)).toBe(isOpen ? newest : undefined)
      if (newest > 0) expect(this.#confirmed.get(id)).toBe(newest)
    }
  }
}

test('whatever is said in whatever order, read again or not, the newest counts, and nobody goes back behind what it confirmed', async () => {
  let confirmed = 0
  await fc.assert(
    fc.asyncProperty(actions, async (script) => {
      confirmed += await new Story().run(script)
    }),
    { numRuns: 60 },
  )
  expect(confirmed).toBeGreaterThan(20)
}, 30_000)
