import type { Management } from './management.ts'

const EVERY_MS = 1_000

/** Counts what the broker delivers again, also over its restarts, after which it counts from nothing. */
export type Redeliveries = {
  between(fromMs: number, toMs: number): number
  stop(): void
}

export function countRedeliveries(management: Pick<Management, 'redelivered'>): Redeliveries {
  const marks: { readonly atMs: number; readonly total: number }[] = []
  let last = 0
  let total = 0
  const look = async () => {
    const now = await management.redelivered()
    total += now >= last ? now - last : now
    last = now
    marks.push({ atMs: Date.now(), total })
  }
  // A broker that is away delivers nothing.
  const timer = setInterval(() => void look().catch(() => undefined), EVERY_MS)
  // What was counted at a time was delivered before it.
  const totalAt = (ms: number) => marks.findLast(({ atMs }) => atMs <= ms)?.total ?? 0
  return {
    between: (fromMs, toMs) => totalAt(toMs) - totalAt(fromMs),
    stop: () => clearInterval(timer),
  }
}
