import { expect, onTestFinished, test, vi } from 'vitest'
import { MemoryBroker } from '../../../shared/bus/memory-broker.ts'
import { startService } from '../../../shared/service/lifecycle.ts'
import { createLog } from '../../../shared/service/log.ts'
import { AUDIENCE, ISSUER, keyFile, signingKey } from '../../../shared/service/test/token-fixture.ts'
import { gateway } from '../service.ts'

const log = createLog({ service: 'gateway', level: 'silent' })

/** A gateway on a port of its own, and a broker behind which nobody replies. */
async function started(env: Readonly<Record<string, string>> = {}) {
  const broker = new MemoryBroker()
  const service = await startService(gateway, {
    connect: (options) => broker.connect(options),
    env: { EBS_GATEWAY_PORT: '0', ...env },
    log,
  })
  onTestFinished(async () => void (await service.stop()))
  return {
    ...service,
    broker,
    post: (seconds: number, signal: AbortSignal | null = null) =>
      fetch(`${service.url}/api/flows`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', prefer: `wait=${seconds}` },
        body: '{"length":3}',
        signal,
      }),
    waiting: async () => {
      const text = await (await fetch(`${service.url}/metrics`)).text()
      return Number(/^ebs_gateway_waiting(?:\{.*\})? (\d+)$/m.exec(text)?.[1])
    },
  }
}

test('D6: a stop answers at once who still waits, so that it is not held up', async () => {
  const service = await started()
  const answering = [service.post(60), service.post(60)]
  await vi.waitFor(async () => expect(await service.waiting()).toBe(2))
  const startMs = performance.now()

  expect(await service.stop()).toBe('clean')

  expect(performance.now() - startMs).toBeLessThan(5_000)
  for (const answer of await Promise.all(answering)) {
    expect(answer.status).toBe(202)
    expect(await answer.json()).toMatchObject({ status: 'accepted' })
  }
})

test('nobody waits for a client that has hung up', async () => {
  const service = await started()
  const client = new AbortController()
  const answering = service.post(60, client.signal)
  await vi.waitFor(async () => expect(await service.waiting()).toBe(1))

  client.abort()

  await expect(answering).rejects.toThrow()
  await vi.waitFor(async () => expect(await service.waiting()).toBe(0))
})

test('a wait may be as long as EBS_WAIT_MS_MAX says, and no longer', async () => {
  const service = await started({ EBS_WAIT_MS_MAX: '101', EBS_FLOW_DEADLINE_MS: '100' })

  const answer = await service.post(600)

  expect([answer.status, answer.headers.get('preference-applied')]).toEqual([202, 'wait=1'])
})

test('A1: with EBS_AUTH=jwt it asks for tokens on loopback, too, but not for its health', async () => {
  const key = await signingKey('k')
  const { url } = await started({
    EBS_AUTH: 'jwt',
    EBS_AUTH_ISSUER: ISSUER,
    EBS_AUTH_AUDIENCE: AUDIENCE,
    EBS_AUTH_JWKS: keyFile(key.jwk).file,
  })
  const post = async (headers: Readonly<Record<string, string>>) => {
    const type = { 'content-type': 'application/json' }
    const body = '{"type":"order","payload":{}}'
    return (await fetch(`${url}/api/journeys`, { method: 'POST', headers: { ...type, ...headers }, body })).status
  }

  expect(await post({})).toBe(401)
  expect(await post({ authorization: `Bearer ${await key.token({ scope: 'ops:read' })}` })).toBe(403)
  expect(await post({ authorization: `Bearer ${await key.token()}` })).toBe(202)
  expect((await fetch(`${url}/health/ready`)).status).toBe(200)
})

test('A3: EBS_REQUESTS_PER_MINUTE holds on loopback, too, but not for probes', async () => {
  const { url } = await started({ EBS_REQUESTS_PER_MINUTE: '2' })
  const statusOf = async (path: string) => (await fetch(url + path)).status

  expect([await statusOf('/openapi.json'), await statusOf('/openapi.json')]).toEqual([200, 200])
  expect(await statusOf('/openapi.json')).toBe(429)
  expect(await statusOf('/health/live')).toBe(200)
})
