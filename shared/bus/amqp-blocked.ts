import type { EventEmitter } from 'node:events'

/**
 * A broker with too little memory or disk stops reading from whoever publishes: whatever is asked on that connection waits without an
 * answer. This says when that begins and ends, and rejects when it lasts longer than `msMax`. It never resolves.
 */
export function blockedFor(link: Pick<EventEmitter, 'on'>, msMax: number, say: (text: string) => void): Promise<never> {
  const blocked = new Promise<never>((_, reject) => {
    let timer: NodeJS.Timeout | undefined
    link.on('blocked', (reason: unknown) => {
      say(`The broker takes no messages (${String(reason)}). It is waited for, ${Math.round(msMax / 1_000)}s at most.`)
      clearTimeout(timer)
      timer = setTimeout(
        () => reject(new Error(`the broker has taken no messages for too long: ${String(reason)}. Give it room`)),
        msMax,
      )
    })
    link.on('unblocked', () => {
      clearTimeout(timer)
      say('The broker takes messages again.')
    })
    link.on('close', () => clearTimeout(timer))
  })
  // Whoever waits for something else races it with this; it may come before, or when nobody waits any more.
  blocked.catch(() => undefined)
  return blocked
}
