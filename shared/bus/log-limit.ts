import type { Bus } from './bus.ts'

/** A bad deploy fails thousands of messages per second, all for one reason: a person reads the first of them, and the log is for others, too. */
const LINES_MAX = 5
const PERIOD_MS = 1_000

type What = { readonly level: 'warn' | 'error'; readonly queue: string; readonly text: string }
type Period = { readonly sinceMs: number; lines: number; omitted: number }

const periodsOf = new WeakMap<Bus, Map<string, Period>>()

/** Logs what happens once per message: some lines per second and queue, and then how many more there were. */
export function logSome(bus: Bus, { level, queue, text }: What, fields: Readonly<Record<string, unknown>>): void {
  const periods = periodsOf.get(bus) ?? new Map<string, Period>()
  periodsOf.set(bus, periods)
  const name = `${queue} ${text}`
  const nowMs = bus.clock.now()
  let period = periods.get(name)
  if (!period || (period.omitted === 0 && nowMs - period.sinceMs >= PERIOD_MS)) {
    period = { sinceMs: nowMs, lines: 0, omitted: 0 }
    periods.set(name, period)
  }
  if (period.lines < LINES_MAX) {
    period.lines += 1
    bus.log[level](fields, text)
    return
  }
  period.omitted += 1
  if (period.omitted > 1) return
  const current = period
  bus.clock.after(current.sinceMs + PERIOD_MS - nowMs, () => {
    periods.delete(name)
    bus.log[level]({ queue, omitted: current.omitted }, `${text}: so many more within a second, not logged one by one`)
  })
}
