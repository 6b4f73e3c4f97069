import { mkdtempSync, rmSync } from 'node:fs'
import { access } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { VirtualClock } from '../../shared/clock.ts'
import { brokenPromises } from './checks.ts'
import { Client } from './client.ts'
import { Doing } from './doing.ts'
import { unbalanced } from './ledger-checks.ts'
import { Random } from './random.ts'
import { sealWorld } from './sealed-world.ts'
import { settle } from './settling.ts'
import { BUSY_MS, storyOf } from './story.ts'
import { START_MS, System } from './system.ts'
import { Trace } from './trace.ts'
import { Witness } from './witness.ts'

/** What came of one seed. */
export type Told = {
  readonly seed: number
  /** Every promise that was broken, in words; none: all were kept. */
  readonly broken: readonly string[]
  /** The same for the same seed and the same program. */
  readonly digest: string
  readonly lines: readonly string[]
  readonly struck: ReadonlyMap<string, number>
  readonly events: number
  readonly virtualMs: number
}

/** How often the ledger is added up on the way. */
const LOOK_EVERY_MS = 1_000
/** After the end: what was cut off by it, such as a close that waits, is given the time to end. */
const LEAVING_MS = 30_000

/** Plays one seed: the whole system is started, used, struck, calmed and checked. */
export async function tell(seed: number, { isTraced = false } = {}): Promise<Told> {
  const story = storyOf(seed)
  const root = mkdtempSync(join(await fastFolder(), 'ebs-sim-'))
  const clock = new VirtualClock(START_MS, story.settleTurns)
  const trace = new Trace(() => clock.now() - START_MS, isTraced)
  const sealed = sealWorld(clock, new Random(seed, 'world'))
  const system = new System(story, { clock, trace, root })
  try {
    const witness = new Witness(system)
    const client = new Client(system)
    const doing = new Doing(system, client, witness)
    void witness.listen()
    void doing.register('early')
    for (const deed of story.deeds) system.in(deed.atMs, () => doing.do(deed))
    for (const fault of story.faults) system.in(fault.atMs, () => system.strike(fault))
    for (let atMs = 0; atMs < BUSY_MS; atMs += LOOK_EVERY_MS)
      system.in(atMs, () => system.surprises.push(...unbalanced(system)))
    await system.pass(BUSY_MS)
    await settle(system, doing, client)
    const broken = [...system.surprises, ...(await brokenPromises({ system, witness, doing, client }))]
    const virtualMs = clock.now() - START_MS
    const { digest, lines } = trace
    return { seed, broken, digest, lines, struck: system.struck, events: witness.heard.size, virtualMs }
  } finally {
    system[Symbol.dispose]()
    await clock.advance(LEAVING_MS)
    sealed[Symbol.dispose]()
    rmSync(root, { recursive: true })
  }
}

/** In memory where there is such a place: an fsync costs nothing there. */
async function fastFolder(): Promise<string> {
  const shared = '/dev/shm'
  return access(shared).then(
    () => shared,
    () => tmpdir(),
  )
}
