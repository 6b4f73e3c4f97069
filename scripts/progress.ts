const SHOW_AFTER_MS = 2_000 // what is over sooner needs no progress
const TICK_MS = 1_000
const LINE_EVERY_MS = 10_000 // in a log, where lines stay

/** One line about what the scripts do, marked so that it stands out among the services' logs. */
export const say = (line: string) => console.log(`ebs  ${line}`)

/**
 * Waits for the job and shows that it lasts: on a terminal the seconds count in place, elsewhere a line comes now and then.
 * `title` may change while it waits.
 */
export async function showProgress<T>(title: string | (() => string), job: Promise<T>): Promise<T> {
  const startedAt = Date.now()
  const isTerminal = process.stdout.isTTY === true
  let lengthMax = 0
  const show = () => {
    const tookMs = Date.now() - startedAt
    if (tookMs < SHOW_AFTER_MS) return
    const line = `ebs  ${typeof title === 'string' ? title : title()} ... ${Math.round(tookMs / 1000)} s`
    if (!isTerminal) return console.log(line)
    lengthMax = Math.max(lengthMax, line.length)
    process.stdout.write(`\r${line.padEnd(lengthMax)}`)
  }
  const timer = setInterval(show, isTerminal ? TICK_MS : LINE_EVERY_MS)
  try {
    return await job
  } finally {
    clearInterval(timer)
    if (lengthMax > 0) process.stdout.write('\n')
  }
}
