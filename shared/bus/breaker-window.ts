import type { BreakerSettings } from '../service/breaker-settings.ts'

/** Attempts of the last while that have something in common, in slots of time, the oldest first. */
export type BreakerWindow = readonly { readonly slot: number; readonly attempts: number; readonly failed: number }[]

export type Outcome = { readonly atMs: number; readonly hasFailed: boolean }
export type Trip = { readonly attempts: number; readonly failed: number }

/** The window moves on by a tenth of its length. */
const SLOTS = 10

/**
 * Adds an outcome. `trip` says that so large a share has failed that the rest is to be set aside; the window begins anew then. Pure.
 */
export function addOutcome(
  window: BreakerWindow,
  { atMs, hasFailed }: Outcome,
  { share, min, windowMs }: Pick<BreakerSettings, 'share' | 'min' | 'windowMs'>,
): { readonly window: BreakerWindow; readonly trip?: Trip } {
  const slot = Math.floor((atMs * SLOTS) / windowMs)
  const recent = window.filter((one) => one.slot > slot - SLOTS && one.slot !== slot)
  const now = window.find((one) => one.slot === slot)
  const added = { slot, attempts: (now?.attempts ?? 0) + 1, failed: (now?.failed ?? 0) + (hasFailed ? 1 : 0) }
  const next = [...recent, added]
  const attempts = sumOf(next.map((one) => one.attempts))
  const failed = sumOf(next.map((one) => one.failed))
  // A success never sets anything aside.
  if (!hasFailed || attempts < min || failed < share * attempts) return { window: next }
  return { window: [], trip: { attempts, failed } }
}

const sumOf = (numbers: readonly number[]) => numbers.reduce((sum, one) => sum + one, 0)
