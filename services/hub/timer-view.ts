import { z } from 'zod'
import type { Timer, TimerId } from '../../shared/store/conversations.ts'
import type { FrozenTimer } from '../../shared/store/frozen-timers.ts'
import { isoOf } from './operations.ts'

/** A timer as the API shows it. */
export const timerSchema = z.object({
  id: z.string(),
  kind: z.string(),
  key: z.string(),
  name: z.string(),
  token: z.int(),
  due: z.string(),
  overdueMs: z.number(),
})

export const timerItem = (timer: Timer, nowMs: number): z.infer<typeof timerSchema> => ({
  id: timerIdText(timer),
  kind: timer.kind,
  key: timer.key,
  name: timer.name,
  token: timer.token,
  due: isoOf(timer.dueMs),
  overdueMs: Math.max(0, nowMs - timer.dueMs),
})

/** A timer that stands still while a message of its conversation's thread is set aside. */
export const frozenTimerSchema = z.object({ id: z.string(), name: z.string(), leftMs: z.number(), since: z.string() })

export const frozenTimerItem = (timer: FrozenTimer): z.infer<typeof frozenTimerSchema> => ({
  id: timerIdText(timer),
  name: timer.name,
  leftMs: timer.leftMs,
  since: isoOf(timer.sinceMs),
})

/**
 * `kind:key:name` in characters that a url takes as they are, so that the text can be pasted behind `/api/timers/`: any other byte
 * is `~` and two digits, as with `%` in a url.
 */
export const timerIdText = ({ kind, key, name }: TimerId): string => [kind, key, name].map(escaped).join(':')

/** The timer that such a text names, or undefined when it names none. */
export function parseTimerId(text: string): TimerId | undefined {
  const parts = text.split(':').map(unescaped)
  const [kind, key, name] = parts
  return parts.length === 3 && kind && key && name ? { kind, key, name } : undefined
}

const escaped = (part: string) => encodeURIComponent(part).replaceAll('~', '%7E').replaceAll('%', '~')

function unescaped(part: string): string | undefined {
  if (!/^(?:~[0-9A-F]{2}|[^~%])*$/.test(part)) return undefined
  try {
    return decodeURIComponent(part.replaceAll('~', '%'))
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}
