import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { CheckToken } from '../auth-token.ts'
import { HttpProblem } from '../errors.ts'
import { createHealth } from '../health.ts'
import { createHttp, type HttpOptions } from '../http.ts'
import { createLog } from '../log.ts'
import { createMetrics } from '../metrics.ts'
import { openServer, type RequestListener } from '../server.ts'

/** Far longer than it takes to see that nothing is under way. */
const DRAIN_MS_MAX = 2_000
const GET = 'GET /x HTTP/1.1\r\nHost: x\r\n\r\n'
const NAMELESS = 'GET /x HTTP/1.1\r\n\r\n'

async function serving(listener: RequestListener) {
  const server = await openServer({ host: '127.0.0.1', port: 0, portVariable: 'EBS_X_PORT', listener })
  onTestFinished(() => server.close())
  return {
    server,
    /** A client that says this in one packet, and keeps its side open. */
    async say(text: string) {
      const { port, hostname: host } = new URL(server.url)
      const socket = connect({ host, port: Number(port), allowHalfOpen: true })
      onTestFinished(() => void socket.destroy())
      socket.on('error', () => undefined)
      let heard = ''
      socket.setEncoding('utf8').on('data', (chunk) => {
        heard += chunk
      })
      await once(socket, 'connect')
      socket.write(text)
      return { socket, heard: () => heard, statuses: () => heard.match(/(?<=HTTP\/1\.1 )\d+/g) ?? [] }
    },
  }
}

test('requests behind one another on a connection that is lost are no longer under way', async () => {
  let asked = 0
  const { server, say } = await serving(() => void asked++)
  const { socket } = await say(GET.repeat(3))
  await vi.waitFor(() => expect(asked).toBe(3))

  const drained = server.drain(DRAIN_MS_MAX)
  socket.resetAndDestroy()

  expect(await drained).toBe(true)
})

test.each([
  ['nonsense', `${GET}${GET}NONSENSE\r\n\r\n`],
  ['a request without a host', `${GET}${NAMELESS}`],
  ['one behind a request without a host', `${NAMELESS}${GET}`],
])('nor are those on a connection that is ended for %s', async (_, text) => {
  const { server, say } = await serving((_request, response) => void setImmediate(() => response.end('done')))
  const { socket } = await say(text)
  await once(socket, 'end')

  expect(await server.drain(DRAIN_MS_MAX)).toBe(true)
})

test('while another request of the connection is answered, the service is not idle', async () => {
  const held: (() => void)[] = []
  const { server, say } = await serving((_request, response) => void held.push(() => response.end('done')))
  const { statuses } = await say(GET.repeat(2))
  await vi.waitFor(() => expect(held).toHaveLength(2))
  held[0]?.()
  await vi.waitFor(() => expect(statuses()).toEqual(['200']))

  const early = await server.drain(1)
  held[1]?.()

  expect([early, await server.drain(DRAIN_MS_MAX)]).toEqual([false, true])
})

test('a request without a host is refused in its turn, never in the middle of another answer', async () => {
  const answers: (() => void)[] = []
  const { say } = await serving((_request, response) => {
    response.write('first half, ')
    answers.push(() => response.end('second half'))
  })
  const { socket, heard, statuses } = await say(`${GET}${NAMELESS}`)
  await vi.waitFor(() => expect(heard()).toContain('first half'))

  answers[0]?.()
  await once(socket, 'end')

  expect(statuses()).toEqual(['200', '400'])
  expect(heard().indexOf('second half')).toBeLessThan(heard().indexOf('400 Bad Request'))
})

/** Nobody has a token that counts. */
const auth: CheckToken = () => Promise.reject(new HttpProblem(401, { detail: 'Who are you?' }))

test.each<[string, Partial<HttpOptions>]>([
  ['where tokens are asked for', { auth }],
  ['where none are', { isLoopbackLimited: true }],
])('a head with nonsense behind it does nothing and leaves nothing, %s', async (_, options) => {
  const [lines, happened]: [string[], unknown[]] = [[], []]
  const log = createLog({ service: 'x', level: 'info', destination: { write: (line) => void lines.push(line) } })
  const about = { name: 'x', title: 'x', log, health: createHealth(), metrics: createMetrics() }
  const http = await createHttp({ ...about, ...options })
  onTestFinished(() => http.close())
  http.addHook('onRequest', async ({ clientAddress }) => void happened.push(clientAddress))
  http.addHook('onSend', async (_request, reply) => void happened.push(reply.statusCode))
  http.post('/act', () => happened.push('done'))
  await http.ready()
  const { server, say } = await serving(http.routing)

  const { socket } = await say('POST /act HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n')
  await once(socket, 'end')
  const next = await fetch(`${server.url}/act`, { method: 'POST' })

  expect(happened).toEqual(['127.0.0.1', '127.0.0.1', ...(options.auth ? [401] : ['done', 200])])
  expect([next.status, lines]).toEqual([options.auth ? 401 : 200, []])
})
