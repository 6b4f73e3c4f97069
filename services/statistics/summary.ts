import type { Logger } from 'pino'
import type { Clock } from '../../shared/clock.ts'

/** At most one line in this time, so that the log is a dashboard and not a flood. */
const EVERY_MS = 1_000

/** Logs the totals in one line when they have changed. */
export function logSummaries(
  log: Pick<Logger, 'info' | 'warn'>,
  read: () => Record<string, number | string>,
  clock: Clock,
) {
  let cancel: (() => void) | undefined
  let said = ''
  const readOrSay = () => {
    try {
      return read()
    } catch (error) {
      // Counting goes on or not by itself; a line of the log is no reason to end.
      log.warn({ err: error }, 'the totals could not be read for the log')
      return undefined
    }
  }
  const say = () => {
    cancel = undefined
    const now = readOrSay()
    if (!now) return
    const tasks = `${now.tasks_created} created, ${now.tasks_finished} finished, ${now.tasks_failed} failed, ${now.tasks_in_progress} in progress`
    const ended = `${now.objects_completed} completed, ${now.objects_failed} failed`
    const line = `objects ${now.objects_created} (${ended}), tasks ${tasks}; dead ${now.messages_dead}`
    // Also events that are in none of these totals were counted.
    if (line === said) return
    said = line
    log.info(line)
  }
  return {
    /** Called when something was counted. */
    changed(): void {
      cancel ??= clock.after(EVERY_MS, say)
    },
    /** Says the last word. */
    stop(): void {
      if (!cancel) return
      cancel()
      say()
    },
  }
}
