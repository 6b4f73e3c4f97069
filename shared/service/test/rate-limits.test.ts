import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { CheckToken } from '../auth-token.ts'
import { HttpProblem, unavailable } from '../errors.ts'
import { createHealth } from '../health.ts'
import { createHttp, type HttpOptions } from '../http.ts'
import { createLog } from '../log.ts'
import { createMetrics } from '../metrics.ts'

/** A minute is a minute of this clock. */
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
afterEach(() => void vi.useRealTimers())

const PROXY = '10.0.0.1'
const scopes = new Set(['ops:read'])
/** Whoever says who he is, is. */
const auth: CheckToken = async (authorization) => {
  const [, actor] = /^Bearer (\w+)$/.exec(authorization ?? '') ?? []
  if (actor === 'unknown') throw unavailable('The keys are away.')
  if (actor === undefined || actor === 'bad') throw new HttpProblem(401, { detail: 'Who are you?' })
  return { actor, scopes }
}

async function limited(options: Partial<HttpOptions>) {
  const about = { name: 'x', title: 'x', log: createLog({ service: 'x', level: 'silent' }) }
  const metrics = createMetrics()
  const http = await createHttp({ ...about, health: createHealth(), metrics, ...options })
  onTestFinished(() => http.close())
  http.get('/thing', ({ ip }) => ip)
  const ask = (remoteAddress: string, headers: Record<string, string> = {}, url = '/thing') =>
    http.inject({ url, remoteAddress, headers })
  return {
    ask,
    metricsText: () => metrics.text(),
    /** Statuses of so many requests, one after the other. */
    async times(
      count: number,
      remoteAddress: string,
      headers: (i: number) => Record<string, string> = () => ({}),
      url = '/thing',
    ) {
      const statuses: number[] = []
      for (let i = 0; i < count; i++) statuses.push((await ask(remoteAddress, headers(i), url)).statusCode)
      return statuses
    },
  }
}
const bearer = (name: string) => ({ authorization: `Bearer ${name}` })

test('every answer says how much is left, and one that is refused when to come back; a minute later all is well', async () => {
  const { ask, times } = await limited({ requestsPerMinuteMax: 2 })

  const first = await ask('11.1.1.1')
  vi.setSystemTime(Date.now() + 20_000)
  await times(1, '11.1.1.1')
  const refused = await ask('11.1.1.1')
  vi.setSystemTime(Date.now() + 40_000)
  const later = await ask('11.1.1.1')

  expect(first.headers).toMatchObject({ 'ratelimit-limit': '2', 'ratelimit-remaining': '1', 'ratelimit-reset': '60' })
  expect([refused.statusCode, refused.json()]).toEqual([
    429,
    expect.objectContaining({ detail: 'More than 2 requests per minute. Try again in 40 s.' }),
  ])
  expect(refused.headers).toMatchObject({
    ...{ 'retry-after': '40', 'ratelimit-limit': '2', 'ratelimit-remaining': '0', 'ratelimit-reset': '40' },
    ...{ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' },
  })
  expect(later.statusCode).toBe(200)
})

test('what is no route counts like what is one, and probes never do', async () => {
  const { times } = await limited({ requestsPerMinuteMax: 3 })

  expect(await times(2, '11.1.1.1', undefined, '/nothing')).toEqual([404, 404])
  expect(await times(2, '11.1.1.1')).toEqual([200, 429])
  expect(await times(1, '11.1.1.1', undefined, '/nothing')).toEqual([429])
  for (const url of ['/health/live', '/health/ready', '/metrics'])
    expect(await times(4, '11.1.1.1', undefined, url)).toEqual([200, 200, 200, 200])
})

test('an address that cannot be read counts like one that can, and is measured', async () => {
  const { times, metricsText } = await limited({ requestsPerMinuteMax: 2 })

  expect(await times(3, '11.1.1.1', undefined, '/%zz')).toEqual([400, 400, 429])
  expect(await times(1, '11.1.1.1')).toEqual([429])
  const text = await metricsText()
  for (const [status, count] of [
    [400, 2],
    [429, 1],
  ])
    expect(text).toContain(
      `duration_seconds_count{http_request_method="GET",http_response_status_code="${status}"} ${count}`,
    )
})

test('addresses of one IPv6 network are one client', async () => {
  const { times } = await limited({ requestsPerMinuteMax: 1 })

  expect(await times(1, '2001:db8::1')).toEqual([200])
  expect(await times(1, '2001:db8::2')).toEqual([429])
  expect(await times(1, '2001:db8:0:1::1')).toEqual([200])
})

describe('behind a proxy', () => {
  const from = (client: string) => ({ 'x-forwarded-for': client })

  test('that is trusted, each client counts for itself', async () => {
    const { times } = await limited({ requestsPerMinuteMax: 1, trustProxy: ['10.0.0.0/8'] })

    expect(await times(2, PROXY, (i) => from(`11.1.1.${i}`))).toEqual([200, 200])
    expect(await times(1, PROXY, () => from('11.1.1.0'))).toEqual([429])
  })

  test('what a client claims in front of what the proxy says is not believed', async () => {
    const { ask, times } = await limited({ requestsPerMinuteMax: 2, trustProxy: ['10.0.0.0/8'] })

    expect((await ask(PROXY, from('99.9.9.9, 11.1.1.1'))).body).toBe('11.1.1.1')
    expect(await times(2, PROXY, (i) => from(`99.9.9.${i}, 11.1.1.1`))).toEqual([200, 429])
  })

  test.each([
    ['ports', (i: number) => `11.1.1.1:${1_000 + i}`],
    ['brackets and ports', (i: number) => `[2001:db8::1]:${1_000 + i}`],
    ['brackets', (i: number) => (i === 0 ? '2001:db8::1' : '[2001:db8::2]')],
    ['what is no address', (i: number) => `unknown${i}`],
    ['what only looks like one', (i: number) => `11.1.1.${300 + i}`],
  ])('that adds %s, each client counts once', async (_, client) => {
    const { times } = await limited({ requestsPerMinuteMax: 2, trustProxy: ['10.0.0.0/8'] })

    expect(await times(3, PROXY, (i) => from(client(i)))).toEqual([200, 200, 429])
    expect(await times(1, PROXY, () => from('12.1.1.1:80'))).toEqual([200])
  })

  test.each([
    ['nobody is trusted', undefined],
    ['others are trusted', ['10.0.0.0/8']],
  ])('a client that claims to be one gets nothing by it when %s', async (_, trustProxy) => {
    const { ask, times } = await limited({ requestsPerMinuteMax: 2, trustProxy })

    expect((await ask('11.1.1.1', from('99.9.9.9'))).body).toBe('11.1.1.1')
    expect(await times(2, '11.1.1.1', (i) => from(`99.9.9.${i}`))).toEqual([200, 429])
  })

  test('a client that claims to be this machine is limited all the same', async () => {
    const { times } = await limited({ requestsPerMinuteMax: 1, trustProxy: ['10.0.0.0/8'] })

    expect(await times(2, PROXY, () => from('127.0.0.1'))).toEqual([200, 429])
  })

  test('on this machine clients are no part of it', async () => {
    const { times } = await limited({ requestsPerMinuteMax: 1, trustProxy: ['loopback'] })

    expect(await times(2, '127.0.0.1', () => from('11.1.1.1'))).toEqual([200, 429])
    expect(await times(2, '127.0.0.1')).toEqual([200, 200])
  })
})

describe('with tokens', () => {
  test('a name is limited over all its addresses, and others are not', async () => {
    const { times } = await limited({ auth, subjectRequestsPerMinuteMax: 2 })

    for (const [address, status] of [
      ['11.1.1.1', 200],
      ['12.1.1.1', 200],
      ['13.1.1.1', 429],
    ] as const)
      expect(await times(1, address, () => bearer('ann'))).toEqual([status])
    expect(await times(1, '11.1.1.1', () => bearer('ben'))).toEqual([200])
  })

  test('whoever fails too often is held back, and told when to come back', async () => {
    const { ask, times } = await limited({ auth, authFailuresPerMinuteMax: 2 })

    expect(await times(2, '11.1.1.1', (i) => (i === 0 ? {} : bearer('bad')))).toEqual([401, 401])
    const refused = await ask('11.1.1.1', bearer('bad'))
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([429, '60'])
    expect(await times(1, '12.1.1.1', () => bearer('bad'))).toEqual([401])
    vi.setSystemTime(Date.now() + 60_000)
    expect(await times(1, '11.1.1.1', () => bearer('bad'))).toEqual([401])
  })

  test('a good token is good, whatever others of its address have tried', async () => {
    const { times } = await limited({ auth, authFailuresPerMinuteMax: 1 })

    expect(await times(3, '11.1.1.1', () => bearer('bad'))).toEqual([401, 429, 429])
    expect(await times(2, '11.1.1.1', () => bearer('ann'))).toEqual([200, 200])
  })

  test.each([
    ['a flood', '/thing'],
    ['a flood of what is no route', '/nothing'],
    ['a flood of what cannot be read', '/%zz'],
  ])(
    '%s without one does not lock out who has one and shares the address, whose requests count by name',
    async (_, url) => {
      const { ask, times } = await limited({ auth, requestsPerMinuteMax: 2, subjectRequestsPerMinuteMax: 3 })

      const flood = await times(3, '11.1.1.1', undefined, url)
      const good = await ask('11.1.1.1', bearer('ann'))

      expect([flood[2], good.statusCode]).toEqual([429, 200])
      expect(good.headers).toMatchObject({
        'ratelimit-limit': '3',
        'ratelimit-remaining': '2',
        'ratelimit-reset': '60',
      })
      expect(await times(3, '11.1.1.1', () => bearer('ann'))).toEqual([200, 200, 429])
    },
  )

  test('whoever has none is told how many requests his address has left', async () => {
    const { ask } = await limited({ auth, requestsPerMinuteMax: 2 })

    const { statusCode, headers } = await ask('11.1.1.1')

    expect([statusCode, headers]).toEqual([
      401,
      expect.objectContaining({ 'ratelimit-limit': '2', 'ratelimit-remaining': '1', 'ratelimit-reset': '60' }),
    ])
  })

  test('while no token can be checked, tries are failures, too', async () => {
    const { times } = await limited({ auth, authFailuresPerMinuteMax: 2 })

    expect(await times(3, '11.1.1.1', () => bearer('unknown'))).toEqual([503, 503, 429])
    expect(await times(1, '11.1.1.1', () => bearer('ann'))).toEqual([200])
  })

  test('a public page counts by address, whatever token comes with it', async () => {
    const { times } = await limited({ auth, docs: true, requestsPerMinuteMax: 2 })

    expect(await times(3, '11.1.1.1', () => bearer('ann'), '/openapi.json')).toEqual([200, 200, 429])
    expect(await times(3, '11.1.1.1', undefined, '/health/live')).toEqual([200, 200, 200])
  })

  test('failures are counted where nothing else is, also on loopback', async () => {
    const { times } = await limited({ auth, requestsPerMinuteMax: false, authFailuresPerMinuteMax: 1 })

    expect(await times(2, '127.0.0.1', () => bearer('bad'))).toEqual([401, 429])
    expect(await times(3, '11.1.1.1', () => bearer('ann'))).toEqual([200, 200, 200])
  })
})
