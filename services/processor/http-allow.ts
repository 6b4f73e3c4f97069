import { z } from 'zod'

/** A host that the `http` activity may talk to. */
export type AllowedHost = {
  /** As URLs have it: lower case, IPv6 in brackets. */
  readonly hostname: string
  /** Missing: the port that the protocol has by itself. */
  readonly port: string | undefined
}

const PORTS = { 'http:': '80', 'https:': '443' } as const

/** `host[:port],...`, without protocol: `api.example.com,127.0.0.1:9000,[::1]:9000`. */
export const allowedHosts = z.string().transform((text, context): readonly AllowedHost[] => {
  const entries = text.split(',').map((entry) => entry.trim())
  const parsed = entries.map((entry) => parseEntry(entry))
  const wrong = entries.filter((_, i) => parsed[i] === undefined)
  if (wrong.length === 0) return parsed.filter((host) => host !== undefined)
  context.addIssue({
    code: 'custom',
    message: `host[:port],... such as api.example.com,127.0.0.1:9000; not ${wrong.map((one) => `'${one}'`).join(', ')}`,
  })
  return z.NEVER
})

function parseEntry(entry: string): AllowedHost | undefined {
  const [, host, port] = /^(\[[0-9a-f:.]+\]|[^\s:/?#@[\]*]+)(?::(\d{1,5}))?$/i.exec(entry) ?? []
  if (host === undefined || !URL.canParse(`http://${entry}`)) return undefined
  // The URL's own spelling: `EXAMPLE.com` is `example.com`, `127.1` is `127.0.0.1`.
  return { hostname: new URL(`http://${host}`).hostname, port: port && String(Number(port)) }
}

/** Why a URL may not be called, and what to do; undefined when it may. */
export function findForbidden(url: URL, allowed: readonly AllowedHost[]): string | undefined {
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return `${url.protocol} is not supported, only http and https`
  if (url.username !== '' || url.password !== '') return 'user and password do not belong into a url: send a header'
  const ownPort = PORTS[url.protocol]
  const port = url.port || ownPort
  if (allowed.some((host) => host.hostname === url.hostname && (host.port ?? ownPort) === port)) return undefined
  const entry = port === ownPort ? url.hostname : `${url.hostname}:${port}`
  return `${entry} is not allowed: EBS_HTTP_ALLOW of the processor lists the hosts that may be called, and it is not among them`
}
