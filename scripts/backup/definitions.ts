import { vhostIn } from '../../shared/service/amqp-urls.ts'

const ANSWER_MS_MAX = 30_000

export type Management = { readonly managementUrl: string; readonly amqpUrl: string }

/** Exchanges, queues, bindings and policies of the virtual host, as the broker exports them. No users: their password hashes belong into no backup. */
export const readDefinitions = async (management: Management): Promise<string> =>
  (await ask(management, { method: 'GET' })).text()

/** Puts them back. What is there stays; the broker refuses what is there with other arguments. */
export async function importDefinitions(management: Management, definitions: string): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const response = await ask(management, { method: 'POST', headers, body: definitions })
  await response.body?.cancel()
}

/** Throws when it does not answer, or not with success. */
async function ask({ managementUrl, amqpUrl }: Management, init: RequestInit): Promise<Response> {
  const { origin, pathname, username, password } = new URL(managementUrl)
  const user = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
  const url = `${origin}${pathname.replace(/\/$/, '')}/api/definitions/${encodeURIComponent(vhostIn(amqpUrl))}`
  const response = await fetch(url, {
    ...init,
    headers: { ...init.headers, authorization: `Basic ${user}` },
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
  })
  if (!response.ok) throw new Error(`the management API answered ${response.status}: ${await response.text()}`)
  return response
}
