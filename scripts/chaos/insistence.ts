import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'

const ANSWER_MS_MAX = 15_000
const AGAIN_MS = 250
/** Says: come back later. */
const LATER = new Set([429, 503])
const SHOWN_CHARS_MAX = 300

/** Answers to all requests so far. */
export type Attempt = {
  /** Told to come back, by the time (ms since 1970). */
  readonly refusedAtMs: readonly number[]
  /** No answer at all: nobody listened, or was killed in the middle. */
  readonly unansweredAtMs: readonly number[]
  /** Answers that say neither yes nor later: what they said. */
  readonly wrong: readonly string[]
}

export type Request = { readonly url: string; readonly init: RequestInit }

/** A request that is the same one when it is repeated. */
export const post = (url: string, json: object, key?: string): Request => ({
  url,
  init: {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key !== undefined && { 'idempotency-key': key }) },
    body: JSON.stringify(json),
  },
})

export type Insistence = Attempt & {
  /** Repeats the request until it is accepted; gives this field of the answer. Rejects when the signal comes first. */
  until(request: Request, field: string): Promise<string>
}

/** A client that comes back until it is accepted, as each should; whatever it is answered is counted. */
export function insistence(signal: AbortSignal, now: () => number = Date.now): Insistence {
  // Every waiting request listens to it: there is nothing suspicious about many.
  setMaxListeners(0, signal)
  const refusedAtMs: number[] = []
  const unansweredAtMs: number[] = []
  const wrong: string[] = []
  const answer = async ({ url, init }: Request): Promise<unknown> => {
    let response: Response
    let text: string
    try {
      response = await fetch(url, { ...init, signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS_MAX)]) })
      text = await response.text()
    } catch {
      unansweredAtMs.push(now())
      return undefined
    }
    if (response.ok) return JSON.parse(text)
    if (LATER.has(response.status)) refusedAtMs.push(now())
    else wrong.push(`${url} answered ${response.status}: ${text.slice(0, SHOWN_CHARS_MAX)}`)
    return undefined
  }
  return {
    refusedAtMs,
    unansweredAtMs,
    wrong,
    async until(request, field) {
      for (;;) {
        signal.throwIfAborted()
        const json = await answer(request)
        if (json !== undefined)
          return (
            z
              .record(z.string(), z.unknown())
              .pipe(z.looseObject({ [field]: z.string() }))
              .parse(json)[field] ?? ''
          )
        await sleep(AGAIN_MS, undefined, { signal })
      }
    },
  }
}
