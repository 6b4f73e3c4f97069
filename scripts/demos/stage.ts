import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** Where a demo is told: sentences, steps, and time to look. */
export type Stage = {
  title(text: string): void
  /** Begins the next step, numbered. */
  step(text: string): void
  say(...lines: readonly string[]): void
  /** Waits for Enter where somebody sits at a terminal and wants to; elsewhere goes on. */
  pause(): Promise<void>
}

export function openStage({ hasPauses }: { readonly hasPauses: boolean }): Stage {
  let steps = 0
  const say = (...lines: readonly string[]) => console.log(lines.map((line) => `  ${line}`).join('\n'))
  return {
    say,
    title: (text) => console.log(`\n${text}\n${'='.repeat(text.length)}`),
    step: (text) => console.log(`\n${++steps}. ${text}`),
    async pause() {
      if (!hasPauses || !process.stdin.isTTY || !process.stdout.isTTY) return
      process.stdout.write('  [Enter goes on] ')
      // The terminal edits the line itself, and Ctrl-C stays what it is.
      const lines = createInterface({ input: process.stdin, terminal: false })
      await Promise.race([once(lines, 'line'), once(lines, 'close')])
      lines.close()
    },
  }
}
