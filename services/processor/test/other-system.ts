import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

type Seen = {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: IncomingMessage['headers']
  body: string
}

/** Another system on this machine, and what it was asked. */
export async function otherSystem(answer: RequestListener) {
  const seen: Seen[] = []
  const server = createServer(async (request, response) => {
    const one = { method: request.method, url: request.url, headers: request.headers, body: '' }
    seen.push(one)
    for await (const chunk of request) one.body += String(chunk)
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const host = `127.0.0.1:${addressOf(server).port}`
  return { seen, host, url: `http://${host}` }
}

function addressOf(server: { address(): AddressInfo | string | null }): AddressInfo {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server does not listen on a port.')
  return address
}

/** Answers each request with the next of these, and the last one again and again. */
export const saying = (...answers: readonly { status: number; headers?: Record<string, string>; body?: string }[]) => {
  let n = 0
  const listener: RequestListener = (_, response) => {
    const { status, headers = {}, body = '' } = answers[Math.min(n++, answers.length - 1)] ?? { status: 500 }
    response.writeHead(status, headers).end(body)
  }
  return listener
}
