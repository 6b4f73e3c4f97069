import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import helmet from '@fastify/helmet'
import { fastify } from 'fastify'
import { describe, expect, test, vi } from 'vitest'
import { createHealth } from '../health.ts'
import { createHttp } from '../http.ts'
import { createLog } from '../log.ts'
import { createMetrics } from '../metrics.ts'
import { pagePolicy, securityHeaders } from '../security-headers.ts'
import { listening, plan, run, started } from './lifecycle-fixture.ts'

const running = async () => {
  const { running } = await started(async ({ http }) => {
    http.post('/take', () => 'taken')
    return { stop: async () => {} }
  })
  const { hostname, port } = new URL(running.url)
  return { hostname, port: Number(port) }
}

/** Sends bytes as they are; gives what comes back until the other side hangs up. */
async function answerTo(bytes: string, { hostname, port }: { hostname: string; port: number }): Promise<string> {
  const socket = connect({ host: hostname, port }).setEncoding('utf8')
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk
  })
  socket.on('error', () => undefined)
  socket.write(bytes)
  await once(socket, 'close')
  return answer
}

const all = { ...securityHeaders, 'cache-control': 'no-store' }
const linesOf = (headers: object) => Object.entries(headers).map(([name, value]) => `${name}: ${value}`)

test('they are what helmet sends, but for what only old browsers heed, and stricter', async () => {
  const app = fastify()
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    strictTransportSecurity: false,
    xFrameOptions: { action: 'deny' },
    ...{ originAgentCluster: false, xDnsPrefetchControl: false, xDownloadOptions: false },
    ...{ xPermittedCrossDomainPolicies: false, xXssProtection: false },
  })
  app.get('/', () => '')

  const { headers } = await app.inject('/')
  const sent = Object.entries(headers).filter(([name]) => !/^(content-(type|length)|date|connection)$/.test(name))

  expect(Object.fromEntries(sent)).toEqual(securityHeaders)
})

test('the policy of pages lets scripts come from their own service only, and nothing be put around them', () => {
  const directives = new Map(pagePolicy.split(';').map((one) => [one.split(' ')[0], one.split(' ').slice(1).join(' ')]))

  expect([directives.get('default-src'), directives.get('script-src')]).toEqual(["'none'", "'self'"])
  expect([directives.get('connect-src'), directives.get('frame-ancestors')]).toEqual(["'self'", "'none'"])
})

describe('what is no HTTP is answered in the way of all other problems, and hung up on:', () => {
  const host = 'host: x\r\n'
  test.each([
    ['nonsense', 'nonsense\r\n\r\n', 400],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['an unknown method', `GRAB / HTTP/1.1\r\n${host}\r\n`, 400],
    ['two lengths', `POST /take HTTP/1.1\r\n${host}content-length: 1\r\ncontent-length: 2\r\n\r\nxx`, 400],
    [
      'a length and chunks',
      `POST /take HTTP/1.1\r\n${host}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n`,
      400,
    ],
    ['too many headers', `GET / HTTP/1.1\r\n${host}x: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    [
      'extensions of a chunk without an end',
      `POST /take HTTP/1.1\r\n${host}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n1;${'x'.repeat(20_000)}`,
      413,
    ],
  ])('%s', async (_, bytes, status) => {
    const answer = await answerTo(bytes, await running())

    const [head = '', body = ''] = answer.split('\r\n\r\n')
    expect(head.split('\r\n')).toEqual(expect.arrayContaining([...linesOf(all), 'connection: close']))
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(head).toContain('content-type: application/problem+json')
    expect(JSON.parse(body)).toMatchObject({ status, detail: expect.stringMatching(/\.$/) })
  })

  test('but not in the middle of an answer', async () => {
    const { running } = await started(async ({ http }) => {
      http.post('/slow', (_request, reply) => {
        reply.raw.writeHead(200, { 'content-length': '10' })
        reply.raw.write('half')
        reply.hijack()
      })
      return { stop: async () => {} }
    })
    const { hostname, port } = new URL(running.url)
    const socket = connect({ host: hostname, port: Number(port) }).setEncoding('utf8')
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.on('error', () => undefined)
    socket.write(
      `POST /slow HTTP/1.1\r\n${host}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
    )
    await vi.waitFor(() => expect(answer).toContain('half'))

    socket.write('nonsense\r\n\r\n')
    await once(socket, 'close')

    expect(answer.endsWith('half')).toBe(true)
  })

  test('an expectation that nobody has is not refused without them', async () => {
    const { hostname, port } = await running()
    const asked = httpRequest({ host: hostname, port, path: '/nothing', headers: { expect: 'a miracle' } }).end()
    const [response] = await once(asked, 'response')
    response.resume()

    expect([response.statusCode, response.headers]).toEqual([404, expect.objectContaining(all)])
  })
})

test('a service that starts has them on all that it answers, and so has one that stops', async () => {
  const { port, close } = await listening()
  await close()
  const url = `http://127.0.0.1:${port}`
  let release = () => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  const { broker, events, exited, done } = run(
    async ({ connect, http }) => {
      http.get('/hello', () => 'hello')
      await connect(plan).ready()
      return { stop: () => gate }
    },
    { EBS_EXAMPLE_PORT: String(port) },
  )
  const look = async () => {
    const answers = await Promise.all(['/health/live', '/health/ready', '/hello'].map((path) => fetch(url + path)))
    for (const { headers } of answers) expect(Object.fromEntries(headers)).toMatchObject(all)
    return answers.map(({ status }) => status)
  }
  // The first service of a process takes as long as its libraries take to load.
  await vi.waitFor(() => fetch(url), { timeout: 10_000 })

  const starting = await look()
  broker.become('up')
  await done
  const up = await look()
  events.emit('SIGTERM')
  const stopping = await look()
  release()
  await exited()

  expect({ starting, up, stopping }).toEqual({
    starting: [200, 503, 503],
    up: [200, 200, 200],
    stopping: [200, 503, 503],
  })
})

describe('HTTPS is asked for where the client came by it:', () => {
  const proxied = async (trustProxy: readonly string[] | undefined, remoteAddress: string) => {
    const about = { name: 'x', title: 'x', log: createLog({ service: 'x', level: 'silent' }) }
    const http = await createHttp({ ...about, health: createHealth(), metrics: createMetrics(), trustProxy })
    const headers = { 'x-forwarded-proto': 'https' }
    return (await http.inject({ url: '/health/live', headers, remoteAddress })).headers['strict-transport-security']
  }

  test.each([
    {
      who: 'a proxy that is trusted says so',
      trustProxy: ['10.0.0.0/8'],
      remote: '10.1.2.3',
      wanted: 'max-age=31536000',
    },
    { who: 'somebody else says so', trustProxy: ['10.0.0.0/8'], remote: '11.1.2.3', wanted: undefined },
    { who: 'nobody is trusted', trustProxy: undefined, remote: '10.1.2.3', wanted: undefined },
  ])('$who', async ({ trustProxy, remote, wanted }) => {
    expect(await proxied(trustProxy, remote)).toBe(wanted)
  })
})
