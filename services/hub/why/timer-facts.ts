import type { View } from '../conversation-view.ts'

type Coming = { readonly what: string; readonly at?: string }
type Timed = { readonly timer: string; readonly at: string | undefined }

/** What a timer brings, and when. While it stands still, because something of its thread is set aside, it has no time. */
export function comingBy(view: View, what: string, { timer, at }: Timed): Coming {
  const frozen = view.frozenTimers.find(({ name }) => name === timer)
  if (frozen) return { what: `${what}; its time stands still since ${frozen.since}, ${frozen.leftMs} ms are left` }
  if (isStill(view, timer)) return { what: `${what}; its time stands still` }
  return { what, ...(at !== undefined && { at }) }
}

/** Until when something is waited for, as `waitsFor` has it. */
export const untilBy = (view: View, { timer, at }: Timed): { readonly until?: string } =>
  at === undefined || isStill(view, timer) ? {} : { until: at }

const isStill = ({ frozenTimers, timers }: View, timer: string) =>
  frozenTimers.length > 0 && !timers.some(({ name }) => name === timer)
