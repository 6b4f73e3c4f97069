/** The processes that are struck, as they are named in logs and plans. */
export const processNames = [
  'gateway',
  'datagen',
  'distributor',
  'processor',
  'processor-2',
  'hub',
  'hub-2',
  'statistics',
] as const

export type ProcessName = (typeof processNames)[number]

/** Services whose store gets a small disk of its own. */
export const storeNames = ['statistics', 'hub', 'datagen'] as const
export type StoreName = (typeof storeNames)[number]

type FaultRow = {
  readonly says: string
  /** One of these is struck; missing: the broker, or all. */
  readonly targets?: readonly (ProcessName | StoreName)[]
  /** How long it lasts, ms, from and to; 0 is a stroke. */
  readonly holdMs: readonly [from: number, to: number]
  /** What striking and healing take besides, ms, on a quiet machine: for the plan, which is to fit into its time. */
  readonly takesMs: number
  /** Takes so long that once in a run is enough. */
  readonly once?: true
}

const consumers = ['processor', 'processor-2', 'hub', 'hub-2', 'statistics', 'distributor', 'datagen'] as const

/** Faults that are injected. To add one, add a row here and what it does in `strikes.ts`. */
export const faults = {
  'kill-service': { says: 'kill -9 of a service', targets: processNames, holdMs: [0, 0], takesMs: 2_000 },
  'kill-broker': { says: 'kill -9 of the broker', holdMs: [0, 0], takesMs: 8_000 },
  'cut-connections': { says: 'every connection closed by the broker', holdMs: [0, 0], takesMs: 1_000 },
  'pause-service': { says: 'SIGSTOP of a service', targets: consumers, holdMs: [1_000, 5_000], takesMs: 500 },
  'starve-heartbeats': {
    says: 'SIGSTOP of a service for longer than its heartbeats',
    targets: ['processor', 'hub', 'statistics'],
    // Heartbeats are 10 s apart, and the broker gives a connection up after two that did not come.
    holdMs: [28_000, 32_000],
    takesMs: 1_000,
    once: true,
  },
  'full-disk': { says: 'a full disk below a store', targets: storeNames, holdMs: [2_000, 5_000], takesMs: 2_000 },
  'memory-alarm': { says: 'memory alarm: the broker blocks publishers', holdMs: [2_000, 6_000], takesMs: 5_000 },
  'pause-broker': { says: 'SIGSTOP of the broker', holdMs: [2_000, 8_000], takesMs: 500 },
  'rolling-restart': { says: 'SIGTERM of every service, one after the other', holdMs: [0, 0], takesMs: 12_000 },
} as const satisfies Record<string, FaultRow>

export type FaultName = keyof typeof faults

export const isFaultName = (name: string): name is FaultName => Object.hasOwn(faults, name)
export const faultNames: readonly FaultName[] = Object.keys(faults).filter(isFaultName)
/** The row of a fault, seen as the general shape. */
export const faultOf = (name: FaultName): FaultRow => faults[name]
