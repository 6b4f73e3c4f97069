import { expect, onTestFinished, test, vi } from 'vitest'
import { MemoryBroker } from '../../../shared/bus/memory-broker.ts'
import { startService } from '../../../shared/service/lifecycle.ts'
import { createLog } from '../../../shared/service/log.ts'
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
