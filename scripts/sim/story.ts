import type { Env } from '../../shared/service/config.ts'
import { drawAimed } from './aimed-faults.ts'
import { drawFaults, type Fault } from './fault-plan.ts'
import { Random } from './random.ts'
import { type Deed, drawDeeds } from './workload.ts'

/** So long something is asked of the system, and goes wrong in it. Then everything that was begun comes to its end. */
export const BUSY_MS = 12_000

/** Of every flow. */
export const FLOW_DEADLINE_MS = 8_000

export type Role = 'datagen' | 'distributor' | 'processor' | 'hub' | 'statistics' | 'gateway'
export type Place = { readonly name: string; readonly role: Role; readonly env: Env }
export type At<T> = T & { readonly atMs: number }

/** Everything about one run, drawn from its seed before it begins. */
export type Story = {
  readonly seed: number
  /** Of the event loop between two timers: on a slow machine time passes while work is under way. */
  readonly settleTurns: number
  readonly places: readonly Place[]
  readonly deeds: readonly At<Deed>[]
  readonly faults: readonly At<Fault>[]
}

export function storyOf(seed: number): Story {
  const random = new Random(seed, 'system')
  const places = placesOf(random)
  const settleTurns = random.pick([3, 8, 16, 24])
  const deeds = drawDeeds(new Random(seed, 'deeds'), BUSY_MS)
  const names = places.map(({ name }) => name)
  const faults = [
    ...drawFaults(new Random(seed, 'faults'), names, BUSY_MS),
    ...drawAimed(new Random(seed, 'aimed'), deeds, (role) => places.filter((one) => one.role === role)),
  ]
  return { seed, settleTurns, places, deeds, faults: faults.toSorted((a, b) => a.atMs - b.atMs) }
}

function placesOf(random: Random): Place[] {
  const settings = settingsOf(random)
  const counts: Readonly<Record<Role, number>> = {
    datagen: 1,
    distributor: random.int(1, 2),
    processor: random.int(1, 3),
    hub: random.int(1, 2),
    statistics: random.int(1, 2),
    gateway: 1,
  }
  const roles = ['statistics', 'hub', 'datagen', 'distributor', 'processor', 'gateway'] as const
  return roles.flatMap((role) =>
    Array.from({ length: counts[role] }, (_, n) => ({ name: `${role}-${n + 1}`, role, env: settings[role] })),
  )
}

/** One configuration, of which each role gets what it reads. Times are short, because a story is. */
function settingsOf(random: Random): Readonly<Record<Role, Env>> {
  const common = {
    EBS_LOG_LEVEL: 'silent',
    EBS_WAIT_MS_MAX: 20_000,
    EBS_RETRY_RETRIES: random.pick([1, 2, 4]),
    EBS_RETRY_MIN_MS: random.pick([10, 250, 1_000]),
    EBS_RETRY_POLICY: random.pick(['linear', 'exponential']),
  }
  const flowDeadline = { EBS_FLOW_DEADLINE_MS: FLOW_DEADLINE_MS }
  const settings: Readonly<Record<Role, Readonly<Record<string, string | number>>>> = {
    // What these hear must not die of a store that is away for a while.
    datagen: { EBS_RETRY_DATAGEN_CONSUME_RETRIES: 25 },
    statistics: { EBS_RETRY_STATISTICS_RETRIES: 25 },
    distributor: {
      EBS_TASKS_PER_OBJECT: random.int(1, 3),
      EBS_OBJECT_DEADLINE_MS: random.pick([6_000, 60_000]),
    },
    processor: {
      EBS_TASK_MS_MAX: random.pick([0, 50, 900]),
      EBS_TASK_FAILURE_RATE: random.pick([0, 0.1, 0.5]),
      EBS_SHOP_FAILURE_RATE: random.pick([0, 0.2, 0.4]),
      EBS_FLOW_BACKEND_MS_MAX: random.pick([0, 100]),
      EBS_ACTIVITIES: 'reserve,release,charge,refund,ship,notify',
    },
    hub: {
      ...flowDeadline,
      EBS_RETRY_HUB_CONSUME_RETRIES: 25,
      EBS_RETRY_HUB_WORK_RETRIES: 25,
      EBS_FLOW_CALL_TIMEOUT_MS: random.pick([500, 1_500]),
      EBS_FLOW_CALL_RETRIES: random.int(0, 2),
      EBS_FLOW_CALL_BACKOFF_MS: 100,
      EBS_GROUP_DEADLINE_WHILE_PARKED: random.pick(['runs', 'frozen']),
      EBS_JOURNEY_DEADLINE_WHILE_PARKED: random.pick(['runs', 'frozen']),
    },
    gateway: flowDeadline,
  }
  const envOf = (role: Role): Env =>
    Object.fromEntries(Object.entries({ ...common, ...settings[role] }).map(([name, value]) => [name, String(value)]))
  return {
    datagen: envOf('datagen'),
    statistics: envOf('statistics'),
    distributor: envOf('distributor'),
    processor: envOf('processor'),
    hub: envOf('hub'),
    gateway: envOf('gateway'),
  }
}
