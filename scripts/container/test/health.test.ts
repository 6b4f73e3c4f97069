import { createServer } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { ConfigError } from '../../../shared/service/errors.ts'
import { openServer } from '../../../shared/service/server.ts'
import { containerConfig } from '../config.ts'
import { isReady } from '../health.ts'

/** A service that says this of its readiness. */
async function saying(status: number, text: string, host = '127.0.0.1') {
  const asked: (string | undefined)[] = []
  const server = createServer((request, response) => {
    asked.push(request.url)
    response.writeHead(status).end(text)
  })
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  onTestFinished(() => void server.close())
  const address = server.address()
  return { port: typeof address === 'object' ? (address?.port ?? 0) : 0, asked }
}

test.each([
  { status: 200, text: 'ok', ready: true },
  { status: 503, text: 'broker: no connection yet', ready: false },
  { status: 404, text: 'who?', ready: false },
])('who answers $status is ready: $ready', async ({ status, text, ready }) => {
  const { port, asked } = await saying(status, text)
  expect(await isReady({ name: 'hub', host: '127.0.0.1', port })).toEqual({
    isReady: ready,
    says: `hub: ${status} ${text}`,
  })
  expect(asked).toEqual(['/health/ready'])
})

test.each(['0.0.0.0', '::'])('who listens at %s is asked at the machine’s own address', async (host) => {
  const { port } = await saying(200, 'ok', host)
  expect(await isReady({ name: 'hub', host, port })).toMatchObject({ isReady: true })
})

test('who does not listen is not ready, and it is said where nobody answered', async () => {
  const server = await openServer({ host: '127.0.0.1', port: 0, portVariable: 'EBS_HUB_PORT', listener: () => {} })
  await server.close()
  const { isReady: ready, says } = await isReady({
    name: 'hub',
    host: '127.0.0.1',
    port: Number(new URL(server.url).port),
  })
  expect(ready).toBe(false)
  expect(says).toContain(`hub does not answer at ${server.url}/health/ready: connect ECONNREFUSED`)
})

test('a service of a container is where its variables say', () => {
  expect(containerConfig('datagen', {})).toEqual({ name: 'datagen', host: '127.0.0.1', port: 8000 })
  const env = { EBS_HOST: '0.0.0.0', EBS_INSECURE_PUBLIC: 'true', EBS_DATAGEN_PORT: '80', EBS_HUB_PORT: '81' }
  expect(containerConfig('datagen', env)).toEqual({ name: 'datagen', host: '0.0.0.0', port: 80 })
  expect(() => containerConfig('datagen', { EBS_DATAGEN_PORT: 'http' })).toThrow(ConfigError)
})
