/** Far above the longest that any route of the tests waits (10 s for a locked store), so that a hanging one is told by name. */
const ANSWER_MS_MAX = 30_000

export type Ask = {
  readonly method?: string
  /** Sent as JSON; the method is then POST unless it says otherwise. */
  readonly json?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export type Answer = {
  readonly status: number
  readonly headers: Headers
  /** The body, undefined when it is empty. */
  readonly json: unknown
  readonly tookMs: number
}

/** Sends a request as curl would and reads the JSON that it is answered with. Rejects when there is no answer. */
export async function ask(url: string, { method, json, headers = {} }: Ask = {}): Promise<Answer> {
  const startMs = performance.now()
  const response = await fetch(url, {
    method: method ?? (json === undefined ? 'GET' : 'POST'),
    headers: { ...(json !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(json !== undefined && { body: JSON.stringify(json) }),
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
  })
  const text = await response.text()
  const body: unknown = text === '' ? undefined : JSON.parse(text)
  return { status: response.status, headers: response.headers, json: body, tookMs: performance.now() - startMs }
}
