import { type FaultName, faultOf, type ProcessName, type StoreName } from './faults.ts'
import { type Seeded, seeded } from './seeded.ts'

/** One blow: after `gapMs` of peace, this fault at this target, for `holdMs`. */
export type Step = {
  readonly gapMs: number
  readonly fault: FaultName
  readonly target?: ProcessName | StoreName
  readonly holdMs: number
}

export type Wish = { readonly seed: number; readonly minutes: number; readonly only: readonly FaultName[] }

const MINUTE_MS = 60_000
/** Short enough that a fault often meets the recovery from the one before. */
const GAP_MS = [1_000, 4_000] as const

/**
 * Draws the faults of a run. As far as they fit into the time, each comes once before any comes again; the same wish is the same plan.
 */
export function drawPlan({ seed, minutes, only }: Wish): readonly Step[] {
  const random = seeded(seed)
  const plan: Step[] = []
  let leftMs = minutes * MINUTE_MS
  let round = random.shuffled(only)
  while (round.length > 0) {
    for (const fault of round) {
      const step = drawStep(fault, random)
      const costMs = step.gapMs + step.holdMs + faultOf(fault).takesMs
      if (costMs > leftMs) continue
      leftMs -= costMs
      plan.push(step)
    }
    const struck = new Set(plan.map(({ fault }) => fault))
    round = random.shuffled(only.filter((name) => fits(name, leftMs) && !(faultOf(name).once && struck.has(name))))
  }
  return plan
}

/** Whether there is surely room for it. */
function fits(fault: FaultName, leftMs: number): boolean {
  const { takesMs, holdMs } = faultOf(fault)
  return takesMs + holdMs[1] + GAP_MS[1] <= leftMs
}

function drawStep(fault: FaultName, random: Seeded): Step {
  const { targets, holdMs } = faultOf(fault)
  const [gapFromMs, gapToMs] = GAP_MS
  return {
    gapMs: random.between(gapFromMs, gapToMs),
    fault,
    ...(targets && { target: random.pick(targets) }),
    holdMs: random.between(...holdMs),
  }
}
