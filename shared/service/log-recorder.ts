import type { Logger } from './log.ts'
import type { Recorder } from './recorder.ts'

/** A recorder that logs sums instead of serving them: one line per period in which something happened. */
export function logRecorder(log: Logger, everyMs: number): Recorder & Disposable {
  let sums = new Map<string, number>()
  const add = (name: string, amount = 1) => void sums.set(name, (sums.get(name) ?? 0) + amount)
  const flush = () => {
    if (sums.size === 0) return
    log.info({ everyMs, sums: Object.fromEntries(sums) }, 'bus activity')
    sums = new Map()
  }
  const timer = setInterval(flush, everyMs)
  timer.unref()
  return {
    published: (destination, _tookMs, error) => add(`${error ? 'publish failed' : 'published'} ${destination}`),
    consumed: (queue) => add(`consumed ${queue}`),
    processed: (queue, _type, tookMs, error) => {
      add(`${error ? 'failed' : 'processed'} ${queue}`)
      add(`processing ms ${queue}`, Math.round(tookMs))
    },
    retried: (queue) => add(`retried ${queue}`),
    dead: (queue) => add(`dead ${queue}`),
    parked: (queue) => add(`parked ${queue}`),
    duplicate: (queue) => add(`duplicate ${queue}`),
    ignored: (queue) => add(`ignored ${queue}`),
    [Symbol.dispose]: () => {
      clearInterval(timer)
      flush()
    },
  }
}
