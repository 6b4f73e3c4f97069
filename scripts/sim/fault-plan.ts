import type { BrokerPoint } from './mortal-broker.ts'
import type { StorePoint } from './mortal-files.ts'
import type { Random } from './random.ts'

export type Point = BrokerPoint | StorePoint
const POINTS: readonly Point[] = [
  'before commit',
  'after commit',
  'before publish',
  'after publish',
  'before ack',
  'after ack',
]

/** What goes wrong. `place` names a process; it is struck in whatever incarnation it has then. */
export type Fault =
  /** The process dies at the so-many-th time that it comes to this point, and is started again after `forMs`. */
  | {
      readonly what: 'crash'
      readonly place: string
      readonly point: Point
      readonly count: number
      readonly forMs: number
    }
  | { readonly what: 'kill'; readonly place: string; readonly forMs: number }
  /** The next publish is stored, and its confirm is lost with the connection. */
  | { readonly what: 'lost confirm'; readonly place: string; readonly count: number }
  | { readonly what: 'cut'; readonly place: string }
  | { readonly what: 'broker restart' }
  | { readonly what: 'broker away'; readonly forMs: number }
  | { readonly what: 'memory alarm'; readonly forMs: number }
  /** Of what is delivered meanwhile a share comes twice, or late, and so in another order. */
  | { readonly what: 'duplicates'; readonly share: number; readonly forMs: number }
  | { readonly what: 'delays'; readonly share: number; readonly delayMsMax: number; readonly forMs: number }
  | { readonly what: 'store out'; readonly place: string; readonly forMs: number }
  | { readonly what: 'timers late'; readonly place: string; readonly lateMsMax: number; readonly forMs: number }
  | { readonly what: 'wake-ups lost'; readonly forMs: number }

const FAULTS_MAX = 7
type At<T> = T & { readonly atMs: number }

/** What goes wrong in one story, in order; in one of ten nothing does. */
export function drawFaults(random: Random, places: readonly string[], busyMs: number): At<Fault>[] {
  if (random.chance(0.1)) return []
  const single = random.times(1, FAULTS_MAX, () => ({ ...drawFault(random, places), atMs: random.int(0, busyMs) }))
  const pair = random.chance(0.3) ? killedMeanwhile(random, places, random.int(0, busyMs)) : []
  return [...single, ...pair].toSorted((a, b) => a.atMs - b.atMs)
}

/** A process dies while the broker takes nothing: what it holds only in memory is gone. */
function killedMeanwhile(random: Random, places: readonly string[], atMs: number): At<Fault>[] {
  const forMs = 3_000
  return [
    { what: random.pick(['broker away', 'memory alarm']), forMs, atMs },
    { what: 'kill', place: random.pick(places), forMs: 500, atMs: atMs + random.int(500, 2_500) },
  ]
}

function drawFault(random: Random, places: readonly string[]): Fault {
  const place = random.pick(places)
  const forMs = random.pick([200, 1_000, 3_000])
  const make: readonly (() => Fault)[] = [
    () => crash(random, place, forMs),
    () => crash(random, place, forMs),
    () => crash(random, place, forMs),
    () => ({ what: 'kill', place, forMs }),
    () => ({ what: 'lost confirm', place, count: random.int(1, 5) }),
    () => ({ what: 'cut', place }),
    () => ({ what: 'broker restart' }),
    () => ({ what: 'broker away', forMs }),
    () => ({ what: 'memory alarm', forMs }),
    () => ({ what: 'duplicates', share: random.pick([0.05, 0.3]), forMs: 3 * forMs }),
    () => ({
      what: 'delays',
      share: random.pick([0.1, 0.5]),
      delayMsMax: random.pick([20, 500, 2_000]),
      forMs: 3 * forMs,
    }),
    () => ({ what: 'store out', place: hasStore(place) ? place : random.pick(places.filter(hasStore)), forMs }),
    () => ({ what: 'timers late', place, lateMsMax: random.pick([50, 1_500]), forMs: 3 * forMs }),
    () => ({ what: 'wake-ups lost', forMs: 2 * forMs }),
  ]
  return random.pick(make)()
}

/** A gateway and a distributor keep nothing. */
const hasStore = (place: string) => /^(datagen|processor|hub|statistics)-/.test(place)

const crash = (random: Random, place: string, forMs: number): Fault => ({
  ...{ what: 'crash', place, point: random.pick(POINTS), count: random.int(1, 12), forMs },
})
