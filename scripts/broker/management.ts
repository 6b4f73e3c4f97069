const ANSWER_MS_MAX = 2_000

/** Whether the management API answers and lets the url's user in. */
export async function isManagementUp(url: string): Promise<boolean> {
  const { username, password, origin } = new URL(url)
  const user = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
  try {
    const response = await fetch(`${origin}/api/overview`, {
      headers: { authorization: `Basic ${user}` },
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    })
    await response.body?.cancel()
    return response.ok
  } catch {
    // Not there (yet): that is the answer.
    return false
  }
}
