import { existsSync } from 'node:fs'
import { ebsProgram, floorProgram, type Program, type Running, startServices } from './services.ts'
import type { BenchBroker } from './vhost.ts'

export const sideNames = ['floor', 'ebs'] as const
export type SideName = (typeof sideNames)[number]

const queueOf = { distributor: 'distributor_consume', processor: 'process_consume', statistics: 'statistics' } as const
const services = ['distributor', 'processor', 'statistics'] as const

/** The three services of the object flow, without a hub. */
export const programsOf: Readonly<Record<SideName, readonly Program[]>> = {
  floor: services.map((name) => floorProgram(name, queueOf[name])),
  ebs: services.map((name) => ebsProgram(name, queueOf[name])),
}

/** Whether the services of a side are built. */
export const isBuilt = (side: SideName) => programsOf[side].every(({ script }) => existsSync(script))

/** Starts the three services of a side. */
export const startSide = (
  broker: BenchBroker,
  side: SideName,
  options: { readonly empty?: boolean; readonly nodeArgs?: readonly string[] } = {},
): Promise<Running> => startServices(broker, { ...options, purpose: side, programs: programsOf[side] })
