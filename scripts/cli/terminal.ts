import process from 'node:process'

/** Where text is shown. `columns` is how wide a terminal is. */
export type Screen = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number }
export type Keyboard = NodeJS.ReadableStream & { readonly isTTY?: boolean }

/** Where the command line is used: at a terminal, in a pipe, or in a test. */
export type Terminal = {
  /** Takes the answer and nothing else. */
  readonly out: Screen
  /** Takes messages, questions and progress. */
  readonly err: Screen
  readonly in: Keyboard
  /** Calls back on Ctrl-C instead of ending the process; gives the function that ends that. */
  onInterrupt(listener: () => void): () => void
}

/** The terminal of this process. Whoever closes the pipe (`| head`) has seen enough: the process ends without a word. */
export function processTerminal(): Terminal {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit()
    throw error
  })
  return {
    out: process.stdout,
    err: process.stderr,
    in: process.stdin,
    onInterrupt(listener) {
      process.on('SIGINT', listener)
      return () => process.off('SIGINT', listener)
    },
  }
}
