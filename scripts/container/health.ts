/** A service that does not answer within this time is not well. Below the time-out of the image's HEALTHCHECK. */
const ANSWER_MS_MAX = 3_000

export type Verdict = { readonly isReady: boolean; readonly says: string }

/** Asks a service whether it is ready; never throws. The answer says what it waits for. */
export async function isReady({
  name,
  host,
  port,
}: {
  readonly name: string
  readonly host: string
  readonly port: number
}): Promise<Verdict> {
  const own = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  const url = `http://${own.includes(':') ? `[${own}]` : own}:${port}/health/ready`
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS_MAX) })
    const text = await answer.text()
    return { isReady: answer.ok, says: `${name}: ${answer.status} ${text}` }
  } catch (error) {
    return { isReady: false, says: `${name} does not answer at ${url}: ${messageOf(error)}` }
  }
}

/** `fetch` only says that it failed; why is in the cause. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}
