/** How something that ran came to its end. */
export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null }

/** Something that runs outside this process: a service, a private broker, a container. */
export type Running = {
  /** Resolves when it has ended, for whatever reason. */
  readonly exited: Promise<Exit>
  /** Asks it to finish, waits, and kills it when it takes too long. */
  stop(): Promise<void>
  /** Ends it at once, with all that it started; resolves when nothing is left. */
  kill(): Promise<void>
}

/** What can be started again and again. */
export type Startable = {
  readonly name: string
  /** Resolves when it runs, rejects when it could not start; gives up when the signal says so. */
  start(signal: AbortSignal): Promise<Running>
}

export const describeExit = ({ code, signal }: Exit) =>
  signal === null ? `exit status ${code ?? 'unknown'}` : `killed by ${signal}`
