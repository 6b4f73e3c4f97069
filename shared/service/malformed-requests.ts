import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { cacheHeaders, securityHeaders } from './security-headers.ts'

/** By the code of node's error. Anything else: 400. */
const known: Readonly<Record<string, { readonly status: number; readonly detail: string }>> = {
  HPE_HEADER_OVERFLOW: { status: 431, detail: 'The headers are larger than 16 KiB.' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, detail: 'The extensions of a chunk are too large.' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, detail: 'The request did not come as a whole in time.' },
}
const malformed = { status: 400, detail: 'This is no HTTP request that can be read.' }

/**
 * Answers what is not HTTP, or comes too slowly, in the way of all other problems, and ends the connection: node would send a bare status.
 * Says nothing while an answer is on its way: it would end up in the middle of that one.
 */
export function refuseMalformed(error: NodeJS.ErrnoException, socket: Duplex, isAnswering: boolean): void {
  if (error.code !== 'ECONNRESET' && socket.writable && !isAnswering) {
    const { status, detail } = known[error.code ?? ''] ?? malformed
    socket.write(answerOf(status, detail))
  }
  socket.destroy(error)
}

/**
 * HTTP/1.1 asks for a host. Refused here, because node would say nothing but the status, and as an answer like others, because it may have
 * to wait for those in front of it. Gives back whether it was.
 */
export function refuseNameless({ headers, httpVersion }: IncomingMessage, response: ServerResponse): boolean {
  if (headers.host !== undefined || httpVersion !== '1.1') return false
  const refusal = refusalOf(400, 'The header Host is missing.')
  response.writeHead(400, refusal.headers).end(refusal.body)
  return true
}

function answerOf(status: number, detail: string): string {
  const { headers, body } = refusalOf(status, detail)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}`, ...lines, '', body].join('\r\n')
}

function refusalOf(status: number, detail: string) {
  const title = STATUS_CODES[status] ?? 'Error'
  const body = JSON.stringify({ type: 'about:blank', title, status, detail })
  const headers = {
    ...securityHeaders,
    ...cacheHeaders,
    'content-type': 'application/problem+json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  }
  return { headers, body }
}
