import { once } from 'node:events'
import { createServer } from 'node:http'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { findFreePort } from '../scripts/broker/free-port.ts'
import { expectAllDone } from './support/settled.ts'
import { startSystem } from './support/system.ts'
import { testVhost } from './support/vhost.ts'
import { waitUntil } from './support/wait-until.ts'

/** Nothing is in flight that it would have to wait for. */
const STOP_MS_MAX = 10_000

test('every mistake in the configuration is listed at once, exit 2', async () => {
  await using system = await startSystem({
    services: ['processor'],
    isBrokerAway: true,
    env: {
      EBS_AMQP_URL: 'http://user:geheim@nowhere',
      EBS_PREFETCH: 'many',
      EBS_PROCESSOR_PORT: '70000',
      EBS_TASK_FAILURE_RATE: '1.5',
      EBS_RETRY_PROCESS_CONSUME_POLICY: 'sometimes',
      EBS_QUEUE_TYPE: 'mirrored',
      EBS_HOST: '0.0.0.0',
    },
  })
  const processor = system.process('processor')

  expect(await processor.exited).toEqual({ code: 2, signal: null })

  const names = [...processor.output.matchAll(/^ {2}(EBS_[A-Z_]+) is /gm)].map(([, name]) => name)
  expect(names.sort()).toEqual([
    'EBS_AMQP_URL',
    'EBS_HOST',
    'EBS_PREFETCH',
    'EBS_PROCESSOR_PORT',
    'EBS_QUEUE_TYPE',
    'EBS_RETRY_PROCESS_CONSUME_POLICY',
    'EBS_TASK_FAILURE_RATE',
  ])
  expect(processor.output).not.toContain('geheim')
  expect(processor.output).not.toMatch(/\.js:\d+/)
})

test('a taken port is named with its variable, exit 2', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = z.object({ port: z.number() }).parse(server.address())
  await using system = await startSystem({
    services: ['datagen'],
    isBrokerAway: true,
    env: { EBS_DATAGEN_PORT: String(port) },
  })
  const datagen = system.process('datagen')

  expect(await datagen.exited).toEqual({ code: 2, signal: null })

  expect(datagen.output).toMatch(new RegExp(`Port ${port} .*taken.*EBS_DATAGEN_PORT`))
  expect(datagen.output).not.toMatch(/\.js:\d+/)
  server.close()
})

test('a service whose credentials the broker does not know keeps waiting and says why, without the password', async () => {
  await using vhost = await testVhost()
  const url = new URL(vhost.url)
  url.username = 'nobody'
  url.password = 'geheim'
  await using system = await startSystem({
    services: ['datagen', 'distributor'],
    vhost,
    isBrokerAway: true,
    env: { EBS_AMQP_URL: url.href },
  })
  const distributor = system.process('distributor')

  const advice = 'The broker refuses the user or the password in EBS_AMQP_URL'
  await waitUntil(() => distributor.lines.filter(({ msg }) => msg.startsWith(advice)).length >= 2)

  expect(distributor.isAlive).toBe(true)
  expect(distributor.output).toMatch(/ACCESS_REFUSED/)
  await system.process('datagen').running()
  await waitUntil(async () => {
    const ready = await fetch(`${system.process('datagen').url}/health/ready`)
    expect(ready.status).toBe(503)
    expect(await ready.json()).toMatchObject({ checks: { broker: expect.stringContaining(advice) } })
  })
  for (const { output } of system.processes) expect(output).not.toContain('geheim')
})

test('D6: services that wait for their broker stop when they are told to; what datagen has accepted is kept', async () => {
  await using vhost = await testVhost()
  const nobodyThere = `amqp://guest:guest@127.0.0.1:${await findFreePort()}`
  await using system = await startSystem({
    services: ['datagen', 'processor', 'statistics'],
    vhost,
    isBrokerAway: true,
    env: { EBS_AMQP_URL: nobodyThere },
  })
  await system.process('datagen').running()
  expect(await system.createObjects(20)).toBe(201)
  await waitUntil(() => system.processes.every(({ lines }) => lines.some(({ msg }) => msg.includes('trying again'))))

  const startMs = performance.now()
  const exits = await Promise.all(system.processes.map((one) => one.kill('SIGTERM')))

  expect(exits).toEqual(system.processes.map(() => ({ code: 0, signal: null })))
  expect(performance.now() - startMs).toBeLessThan(STOP_MS_MAX)
  await system.process('datagen').restart()
  const answer = await fetch(`${system.process('datagen').url}/metrics`)
  expect(await answer.text()).toMatch(/^ebs_outbox_pending 20$/m)
})

test('the system runs on classic queues, too; D8: a service that wants another type reports it as a readable difference, exit 1, and leaves the queue as it is', async () => {
  await using system = await startSystem({ env: { EBS_QUEUE_TYPE: 'classic' } })

  await expect(system.start('processor', { EBS_QUEUE_TYPE: 'quorum' })).rejects.toThrow(/processor-2 ended/)

  const refused = system.process('processor-2')
  expect(await refused.exited).toEqual({ code: 1, signal: null })
  // The broker names the first difference of a queue that it meets.
  expect(refused.output).toMatch(/ {2}queue process_consume: x-[a-z-]+ is \S+, this version of ebs wants \S+/)
  expect(refused.output).toContain('EBS_QUEUE_TYPE')
  expect(refused.output).not.toMatch(/\.js:\d+/)
  const queue = `/api/queues/${system.vhost.name}/process_consume`
  expect(await system.vhost.management('GET', queue)).toMatchObject({ type: 'classic' })
  await system.createObjects(20)
  await expectAllDone(system, { objects: 20 })
})
