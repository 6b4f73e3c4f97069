import { STATUS_CODES } from 'node:http'

/** One thing wrong with a variable: its name, what was given (secrets masked) and what is accepted. */
export type Mistake = { readonly variable: string; readonly given: string | undefined; readonly accepted: string }

/** The environment is not usable; the message lists every mistake. The process ends with 2. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly mistakes: readonly Mistake[]

  /** `warnings`: of names that look misspelt, say; what was meant by them is missing here. */
  constructor(mistakes: readonly Mistake[], warnings: readonly string[] = []) {
    const lines = mistakes.map(({ variable, given, accepted }) =>
      given === undefined
        ? `  ${variable} is not set. Accepted: ${accepted}`
        : `  ${variable} is "${given}". Accepted: ${accepted}`,
    )
    super(['The configuration has mistakes:', ...lines, ...warnings.map((warning) => `  ${warning}`)].join('\n'))
    this.mistakes = mistakes
  }
}

/** The HTTP port or address cannot be used; the message names the variable to change. The process ends with 2. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
}

export type ProblemDetails = {
  /** What is wrong with this very request and what to do about it. Clients see it. */
  readonly detail: string
  /** Short and the same for every problem of the kind; the status' own phrase when missing. */
  readonly title?: string
  /** URI of the kind of problem; `about:blank` when missing. */
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly cause?: unknown
  /** Further members of the answer, such as `errors` or `kind`. */
  readonly extensions?: Readonly<Record<string, unknown>>
}

/** Thrown by routes: becomes an `application/problem+json` answer with this status (RFC 9457). */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem'
  readonly status: number
  readonly type: string
  readonly title: string
  readonly headers: Readonly<Record<string, string>>
  readonly extensions: Readonly<Record<string, unknown>>

  constructor(status: number, details: ProblemDetails) {
    super(details.detail, { cause: details.cause })
    this.status = status
    this.type = details.type ?? 'about:blank'
    this.title = details.title ?? STATUS_CODES[status] ?? 'Error'
    this.headers = details.headers ?? {}
    this.extensions = details.extensions ?? {}
  }
}

/** The service cannot do this now, but soon can: 503 with `Retry-After`. */
export const unavailable = (detail: string, retryAfterSeconds = 1) =>
  new HttpProblem(503, { detail, headers: { 'retry-after': String(retryAfterSeconds) } })
