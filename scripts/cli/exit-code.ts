/** How a command went, for the shell. `partly`: some of it is done, and what is printed says how to go on. */
export const exitCodes = { ok: 0, failed: 1, usage: 2, notFound: 3, partly: 4 } as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** What was typed cannot be meant; the message says what to type instead. The process ends with 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Nothing was done, for a reason that the message tells a person. The process ends with 1. */
export class NotDoneError extends Error {
  override readonly name = 'NotDoneError'
}
