import { expect, test } from 'vitest'
import { MemoryBroker } from '../../../shared/bus/memory-broker.ts'
import { eventually, listen, pasteInto, taskBody } from '../../../shared/bus/test/bus-fixture.ts'
import type { Env } from '../../../shared/service/config.ts'
import { ConfigError } from '../../../shared/service/errors.ts'
import { launch } from '../../../shared/service/launch.ts'
import { createLog } from '../../../shared/service/log.ts'
import { topologyPlan } from '../../../shared/topology.ts'
import { processorConfig } from '../config.ts'
import { processor } from '../service.ts'

const call = (item: number) => ({
  type: 'FLOW_CALLED',
  callId: `f1.${item}`,
  flowId: 'f1',
  name: 'install',
  attempt: 1,
  input: { item },
  deadline: new Date(Date.now() + 60_000).toISOString(),
})

/** The whole service on a broker in memory, and what it publishes under these keys. */
async function started(env: Env) {
  const memory = new MemoryBroker()
  const running = launch(processor, {
    connect: (options) => memory.connect(options),
    env: { EBS_PROCESSOR_PORT: '0', ...env },
    log: createLog({ service: 'processor', level: 'silent' }),
  })
  await running.started
  const plan = topologyPlan('quorum', {
    withLadder: false,
    queues: {
      ends: { hears: ['tasks.finished', 'flows.answered'] },
      begins: { hears: ['tasks.started', 'flow-backend'] },
    },
  })
  const watcher = memory.connect({ service: 'watcher', plan })
  const publish = (key: string, body: unknown) => watcher.publish({ ...pasteInto('', body), exchange: 'ebs', key })
  return {
    memory,
    publish,
    ends: await listen(watcher, 'ends'),
    begins: await listen(watcher, 'begins'),
    stop: () => running.stop(),
    async [Symbol.asyncDispose]() {
      await running.stop()
      await watcher.close()
    },
  }
}

test('works on tasks, calls and the backend of calls at the same time', async () => {
  await using service = await started({ EBS_TASK_MS_MAX: '0', EBS_FLOW_BACKEND_MS_MAX: '0' })

  await service.publish('task-requests', taskBody(1))
  await service.publish('flow-worker', call(1))

  await eventually(() =>
    expect(service.ends.map(({ key }) => key).toSorted()).toEqual(['flows.answered', 'tasks.finished']),
  )
})

test('stops all its queues side by side: work that takes too long anywhere costs the time to stop once', async () => {
  const workMs = {
    EBS_TASK_MS_MIN: '1500',
    EBS_TASK_MS_MAX: '1500',
    EBS_FLOW_BACKEND_MS_MIN: '1500',
    EBS_FLOW_BACKEND_MS_MAX: '1500',
  }
  await using service = await started({ ...workMs, EBS_SHUTDOWN_TIMEOUT_MS: '1000' })
  await service.publish('task-requests', taskBody(1))
  await service.publish('flow-worker', call(1))
  await eventually(() => expect(service.begins).toHaveLength(2))
  await eventually(() => expect(service.memory.depth('flow_backend_consume')).toBe(1))

  const outcome = await service.stop()

  expect(outcome).toBe('clean')
  expect(service.ends).toEqual([])
  expect(service.memory.depth('process_consume')).toBe(1)
  expect(service.memory.depth('flow_backend_consume')).toBe(1)
})

test('each queue has retry settings of its own', () => {
  const { retry } = processorConfig({
    EBS_RETRY_FLOW_WORKER_CONSUME_RETRIES: '3',
    EBS_RETRY_ACTIVITY_EXPRESS_SHIP_RETRIES: '4',
    EBS_RETRY_RETRIES: '7',
    EBS_ACTIVITIES: 'ship, express-ship',
    EBS_MOCK_ACTIVITIES: '{"charge.v2": [{}]}',
  })

  expect([...retry].map(([queue, { retries }]) => ({ queue, retries }))).toEqual([
    { queue: 'process_consume', retries: 7 },
    { queue: 'flow_worker_consume', retries: 3 },
    { queue: 'flow_backend_consume', retries: 7 },
    { queue: 'activity.ship', retries: 7 },
    { queue: 'activity.express-ship', retries: 4 },
    { queue: 'activity.charge.v2', retries: 7 },
  ])
})

test.each([
  { range: 'EBS_TASK_MS', env: { EBS_TASK_MS_MIN: '21' }, given: '20' },
  { range: 'EBS_FLOW_BACKEND_MS', env: { EBS_FLOW_BACKEND_MS_MIN: '6', EBS_FLOW_BACKEND_MS_MAX: '5' }, given: '5' },
])('a range $range that is none is refused', ({ range, env, given }) => {
  expect(mistakes(env)).toEqual([
    { variable: `${range}_MAX`, given, accepted: expect.stringContaining(`${range}_MIN`) },
  ])
})

test('ranges that are none are listed together; equal ends are a range', () => {
  expect(mistakes({ EBS_TASK_MS_MIN: '21', EBS_FLOW_BACKEND_MS_MIN: '21' })).toHaveLength(2)
  expect(mistakes({ EBS_TASK_MS_MIN: '20', EBS_FLOW_BACKEND_MS_MIN: '20' })).toEqual([])
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
