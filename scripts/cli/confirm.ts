import { createInterface } from 'node:readline'
import { NotDoneError, UsageError } from './exit-code.ts'
import type { Terminal } from './terminal.ts'

/** Somebody is there to be asked. */
export const canAsk = ({ in: keyboard, err }: Terminal): boolean => keyboard.isTTY === true && err.isTTY === true

type Agreeing = { readonly yes: boolean | undefined; readonly what: string; readonly of?: string }

/** Throws UsageError where nobody can be asked and nobody has agreed in advance. `what` is such as `replay messages`. */
export function assertAgreed(terminal: Terminal, { yes, what, of = 'messages' }: Agreeing): void {
  if (yes || canAsk(terminal)) return
  throw new UsageError(
    `To ${what} needs a yes, and there is no terminal to ask at. Add --yes to do it, or --dry-run to see how many ${of} it concerns.`,
  )
}

/** Asks a person; only `y` and `yes` are a yes. Throws NotDoneError for anything else. */
export async function confirm(terminal: Terminal, question: string): Promise<void> {
  const answer = await ask(terminal, `${question} [y/N] `)
  if (!/^y(es)?$/i.test(answer.trim())) throw new NotDoneError('Nothing was done.')
}

/** One line of what is typed; empty at the end of the input. */
export function ask(terminal: Terminal, question: string): Promise<string> {
  terminal.err.write(question)
  // The terminal edits the line itself, and Ctrl-C stays what it is.
  const lines = createInterface({ input: terminal.in, terminal: false })
  return new Promise((resolve) => {
    lines.once('line', (line) => {
      resolve(line)
      lines.close()
    })
    lines.once('close', () => resolve(''))
  })
}
