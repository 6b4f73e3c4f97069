import { z } from 'zod'
import { controlStream } from '../../shared/topology.ts'
import type { Ledger } from './ledger.ts'
import { askLedger, openIn } from './ledger.ts'
import type { Load } from './load.ts'
import { LEDGER_SETTLE_MS } from './settings.ts'
import type { Site } from './site.ts'
import { within } from './within.ts'
import type { Witness } from './witness.ts'

/** Retries that are due in half a minute, an order with its last back-off, on a machine that has other things to do. */
const QUIET_MS_MAX = 180_000
const ANSWER_MS_MAX = 10_000
const RUNG = /^ebs\.delay\./
/** Rungs hold little then; more is not looked at. */
const LOOK_MAX = 10_000
const WAKE_UP = 'TIMERS_DUE'
const SHOWN_CHARS_MAX = 400

const waiting = z.object({ items: z.array(z.looseObject({ id: z.string(), status: z.string() })) })
const NEEDS_A_PERSON = 'NEEDS_REMEDIATION'

/** What was found when all was quiet, or when nobody waited any longer. */
export type Stillness = {
  /** What did not come to rest in time. */
  readonly restless: readonly string[]
  /** Messages that lie in queues where none should, by queue; wake-ups of timers, which wait in rungs until their time, do not count. */
  readonly left: ReadonlyMap<string, number>
  readonly dead: ReadonlyMap<string, number>
  /** Some of what lies there. */
  readonly examples: readonly string[]
  readonly wakeUps: number
  readonly ledger: Ledger | undefined
  /** Journeys that needed a person, who had them tried again. */
  readonly triedAgain: number
}

export type Quietly = {
  readonly site: Site
  readonly load: Load
  readonly witness: Witness
  readonly signal: AbortSignal
}

/** Waits until everything that was accepted has ended and nothing is under way; never for longer than QUIET_MS_MAX for each. */
export async function untilQuiet({ site, load, witness, signal }: Quietly): Promise<Stillness> {
  const restless: string[] = []
  const triedAgain = new Set<string>()
  const wait = async (what: string, isSo: () => boolean | Promise<boolean>) => {
    try {
      await within(QUIET_MS_MAX, signal, what, isSo)
    } catch (error) {
      signal.throwIfAborted()
      const cause = error instanceof Error && error.cause ? ` (${error.cause})` : ''
      restless.push(`${error instanceof Error ? error.message : error}${cause}`)
    }
  }
  await wait('everything that was accepted has ended', async () => {
    const open = [...load.accepted].flatMap(([kind, ids]) => [...ids].filter((id) => witness.endsOf(kind, id) === 0))
    if (open.length > 0) for (const id of await tryAgain(site.urlOf('hub'))) triedAgain.add(id)
    return open.length === 0
  })
  let contents = await look(site)
  await wait('the queues are empty', async () => {
    contents = await look(site)
    return contents.isEmpty
  })
  const quietAtMs = Date.now()
  let ledger: Ledger | undefined
  await wait('the ledger has settled and balances', async () => {
    ledger = await askLedger(site.urlOf('statistics'))
    // None at all is told by the sums; waiting would not bring it.
    return ledger === undefined || isSettled(ledger, quietAtMs + LEDGER_SETTLE_MS)
  })
  return { restless, ...contents, ledger, triedAgain: triedAgain.size }
}

const isSettled = ({ at, balanced, totals }: Ledger, sinceMs: number) =>
  balanced && Date.parse(at) >= sinceMs && totals.every((total) => openIn(total) === 0)

/** Has journeys that need a person tried again; gives their ids. */
async function tryAgain(hub: string): Promise<readonly string[]> {
  const asked: string[] = []
  const { items } = waiting.parse(await (await send(`${hub}/api/remediation?limit=100`, {})).json())
  for (const { id } of items.filter(({ status }) => status === NEEDS_A_PERSON)) {
    const body = JSON.stringify({ actor: 'chaos', reason: 'the fault is over' })
    const answer = await send(`${hub}/api/remediation/${encodeURIComponent(id)}/retry`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    if (answer.ok) asked.push(id)
  }
  return asked
}

const send = (url: string, init: RequestInit) => fetch(url, { ...init, signal: AbortSignal.timeout(ANSWER_MS_MAX) })

type Contents = Pick<Stillness, 'left' | 'dead' | 'examples' | 'wakeUps'> & { readonly isEmpty: boolean }

/** What lies in the queues now. */
async function look({ node: { management } }: Site): Promise<Contents> {
  const depths = await management.depths()
  const left = new Map<string, number>()
  const dead = new Map<string, number>()
  const examples: string[] = []
  let wakeUps = 0
  for (const depth of depths) {
    const count = depth ? depth.ready + depth.unsettled : 0
    if (!depth || count === 0 || depth.name === controlStream) continue
    const { name } = depth
    if (RUNG.test(name)) {
      const others = (await management.look(name, LOOK_MAX)).filter(({ properties }) => properties.type !== WAKE_UP)
      wakeUps += count - others.length
      if (others.length > 0) left.set(name, others.length)
      examples.push(...others.slice(0, 1).map(({ payload }) => `${name}: ${payload.slice(0, SHOWN_CHARS_MAX)}`))
    } else if (name.endsWith('.dead')) {
      dead.set(name, count)
      const [first] = await management.look(name, 1)
      const said = JSON.stringify({ ...first?.properties.headers, payload: first?.payload.slice(0, SHOWN_CHARS_MAX) })
      examples.push(`${name}: ${said}`)
    } else left.set(name, count)
  }
  const isEmpty = left.size === 0 && depths.every((depth) => depth !== undefined)
  return { left, dead, examples, wakeUps, isEmpty }
}
