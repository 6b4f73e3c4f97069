import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { MemoryBroker } from '../../../shared/bus/memory-broker.ts'
import { eventually, listen, pasteInto } from '../../../shared/bus/test/bus-fixture.ts'
import type { Env } from '../../../shared/service/config.ts'
import { ConfigError } from '../../../shared/service/errors.ts'
import { launch } from '../../../shared/service/launch.ts'
import { createLog } from '../../../shared/service/log.ts'
import { scratch } from '../../../shared/store/test/scratch.ts'
import { topologyPlan } from '../../../shared/topology.ts'
import { activityNames } from '../activities/table.ts'
import { processorConfig } from '../config.ts'
import { processor } from '../service.ts'

/** The whole service on a broker in memory, and the answers of its activities. */
async function started(env: Env = {}) {
  const memory = new MemoryBroker()
  const dataDir = scratch()
  const running = launch(processor, {
    connect: (options) => memory.connect(options),
    env: { EBS_PROCESSOR_PORT: '0', EBS_DATA_DIR: dataDir, ...env },
    log: createLog({ service: 'processor', level: 'silent' }),
  })
  await running.started
  const plan = topologyPlan('quorum', { withLadder: false, queues: { answers: { hears: ['activities.*'] } } })
  const watcher = memory.connect({ service: 'watcher', plan })
  const heard = await listen(watcher, 'answers')
  const request = (activity: string, input: unknown, attempt = 1) => ({
    type: 'ACTIVITY_REQUESTED',
    callId: `s1.main:${activity}`,
    sagaId: 's1.main',
    activity,
    attempt,
    idempotencyKey: `s1.main:${activity}`,
    input,
    deadline: new Date(Date.now() + 60_000).toISOString(),
  })
  return {
    watcher,
    memory,
    dataDir,
    stop: () => running.stop(),
    answers: () => heard.map(({ body }): unknown => JSON.parse(body.toString())),
    ask: (activity: string, input: unknown, attempt = 1) =>
      watcher.publish({
        ...pasteInto('', request(activity, input, attempt)),
        exchange: 'ebs',
        key: `activity.${activity}`,
      }),
    /** As a replay brings it back. */
    bringBack: (activity: string, input: unknown) =>
      watcher.publish(pasteInto(`activity.${activity}.replay`, request(activity, input))),
    async [Symbol.asyncDispose]() {
      await running.stop()
      await watcher.close()
    },
  }
}

test('J7: serves each of its activities on a queue of its own, with the lane of those that come back', async () => {
  await using service = await started()

  for (const name of activityNames)
    for (const queue of [`activity.${name}`, `activity.${name}.replay`])
      expect(await service.watcher.inspect(queue), queue).toMatchObject({ consumers: 1 })
  await service.ask('charge', { amountCents: 5, card: '4242' })
  await service.bringBack('words', { content: 'a b' })

  await eventually(() => expect(service.answers()).toHaveLength(2))
  expect(service.answers()).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ type: 'ACTIVITY_SUCCEEDED', callId: 's1.main:charge', status: 200 }),
      expect.objectContaining({ output: { count: 2, distinct: 2, longest: 'a' } }),
    ]),
  )
})

test('files are made by the activities that need them', async () => {
  await using service = await started()
  await service.ask('words', { content: 'a b' })
  await eventually(() => expect(service.answers()).toHaveLength(1))
  expect(existsSync(join(service.dataDir, 'shop.db'))).toBe(false)

  await service.ask('notify', { to: 'a@example.com', text: 'hello' })
  await eventually(() => expect(service.answers()).toHaveLength(2))
  for (const file of ['shop.db', 'processor.db']) expect(existsSync(join(service.dataDir, file))).toBe(true)
})

test('EBS_ACTIVITIES names those that a process serves', async () => {
  await using service = await started({ EBS_ACTIVITIES: 'words,digest' })

  expect(await service.watcher.inspect('activity.digest')).toMatchObject({ consumers: 1 })
  expect(await service.watcher.inspect('activity.charge')).toBeUndefined()
})

test('a mock replaces an activity, and is served when nobody implements it', async () => {
  const mocks = { charge: [{ status: 503, error: 'down' }, { output: 'mocked' }], 'charge.v2': [{ output: 2 }] }
  await using service = await started({ EBS_ACTIVITIES: 'none', EBS_MOCK_ACTIVITIES: JSON.stringify(mocks) })

  await service.ask('charge', {})
  await service.ask('charge', {}, 2)
  await service.ask('charge.v2', {})

  await eventually(() => expect(service.answers()).toHaveLength(3))
  expect(service.answers()).toEqual(
    expect.arrayContaining([
      { type: 'ACTIVITY_FAILED', callId: 's1.main:charge', attempt: 1, status: 503, error: 'down' },
      { type: 'ACTIVITY_SUCCEEDED', callId: 's1.main:charge', attempt: 2, status: 200, output: 'mocked' },
      { type: 'ACTIVITY_SUCCEEDED', callId: 's1.main:charge.v2', attempt: 1, status: 200, output: 2 },
    ]),
  )
})

test('every mistake of the variables of activities is listed at once', () => {
  const env = {
    EBS_ACTIVITIES: 'words,worms',
    EBS_MOCK_ACTIVITIES: '{"charge": [{"status": 1}, {"statsu": 500}]}',
    EBS_HTTP_ALLOW: 'https://example.com',
    EBS_SHOP_FAILURE_RATE: '2',
  }

  expect(mistakes(env)).toEqual([
    { variable: 'EBS_ACTIVITIES', given: 'words,worms', accepted: expect.stringMatching(/all, none,.*not 'worms'/) },
    {
      variable: 'EBS_MOCK_ACTIVITIES',
      given: env.EBS_MOCK_ACTIVITIES,
      accepted: expect.stringMatching(/charge\[0\]\.status.*charge\[1\]/),
    },
    { variable: 'EBS_HTTP_ALLOW', given: 'https://example.com', accepted: expect.stringContaining('host[:port]') },
    { variable: 'EBS_SHOP_FAILURE_RATE', given: '2', accepted: 'a number from 0 to 1' },
  ])
})

function mistakes(env: Env) {
  try {
    processorConfig(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes
    throw error
  }
}
