import type { Fault } from './fault-plan.ts'
import type { Random } from './random.ts'
import { type At, FLOW_DEADLINE_MS, type Place, type Role, type Story } from './story.ts'

type Deed = Story['deeds'][number]
type PlacesOf = (role: Role) => readonly Place[]

/** Faults for the moments that chance alone would hardly ever meet: each belongs to something that is asked for. */
export const drawAimed = (random: Random, deeds: readonly Deed[], placesOf: PlacesOf): At<Fault>[] =>
  deeds.flatMap((deed) => aimedAt(random, deed, placesOf))

function aimedAt(random: Random, deed: Deed, placesOf: PlacesOf): At<Fault>[] {
  const { atMs } = deed
  const processor = () => random.pick(placesOf('processor')).name
  switch (deed.what) {
    case 'objects':
      return random.chance(0.05) ? strandedOutbox(random, atMs) : []
    case 'rule':
      return deed.act === 'start' ? underRule(random, atMs, processor) : []
    case 'journey':
      // In the middle of an effect.
      return random.chance(0.4)
        ? [{ what: 'crash', place: processor(), point: 'after commit', count: random.int(1, 6), forMs: 200, atMs }]
        : []
    case 'flow':
      return deed.error === 'hub' && random.chance(0.6)
        ? [{ what: 'wake-ups lost', forMs: 3_000, atMs: atMs + FLOW_DEADLINE_MS - 200 }]
        : []
    default:
      return []
  }
}

/** What was accepted while the broker takes nothing is only in an outbox, and its process dies. */
const strandedOutbox = (random: Random, atMs: number): At<Fault>[] => [
  { what: random.pick(['broker away', 'memory alarm']), forMs: 2_500, atMs: atMs - 200 },
  { what: 'kill', place: 'datagen-1', forMs: 500, atMs: atMs + random.int(100, 2_000) },
]

/** While a rule is in force a process begins anew that has to heed it; or dies at the very moment at which it has set something aside. */
function underRule(random: Random, atMs: number, processor: () => string): At<Fault>[] {
  const sinceMs = atMs + random.int(1_200, 3_000)
  const restart: At<Fault> = { what: 'kill', place: processor(), forMs: 200, atMs: sinceMs }
  const crash = { what: 'crash', place: processor(), point: 'after ack', count: random.int(1, 3), forMs: 200 } as const
  return [...(random.chance(0.4) ? [restart] : []), ...(random.chance(0.4) ? [{ ...crash, atMs: sinceMs }] : [])]
}
