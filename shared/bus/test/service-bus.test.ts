import { Writable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../clock.ts'
import { readServiceConfig } from '../../service/config.ts'
import { ConfigError } from '../../service/errors.ts'
import { createLog } from '../../service/log.ts'
import { createMetrics } from '../../service/metrics.ts'
import { MemoryBroker } from '../memory-broker.ts'
import { noWatcher } from '../rules.ts'
import { busOf } from '../service-bus.ts'
import { eventually } from './bus-fixture.ts'
import { member, record, ruleOf, say, taskOf } from './rule-fixture.ts'

/** A service's bus over a broker in memory. */
function opened(env: Readonly<Record<string, string>> = {}) {
  const memory = new MemoryBroker({ clock: systemClock })
  const config = readServiceConfig({ name: 'test', port: 0, own: {}, queues: ['process_consume'] }, env)
  const log = createLog({ service: 'test', level: 'silent', destination: new Writable() })
  const metrics = createMetrics()
  const connect = (plan: Parameters<typeof memory.connect>[0]['plan']) => memory.connect({ service: 'test', plan })
  const bus = busOf({ clock: systemClock, config, connect, log, metrics, recorder: metrics.recorder }, 'test')
  const linesOf = async (metric: string) => (await metrics.text()).split('\n').filter((line) => line.startsWith(metric))
  return { bus, linesOf, [Symbol.asyncDispose]: () => bus.broker.close(0) }
}

describe('the bus of a service', () => {
  test('knows the sideline rules of the broker once it is asked to, and counts them', async () => {
    await using service = opened()
    const { bus, linesOf } = service
    await say(bus.broker, ruleOf({ queues: ['process_consume'], filter: 'event.absent == 1', id: 'blind' }))
    await say(bus.broker, ruleOf({ queues: ['process_consume'], id: 'acme', revision: 2 }))
    await record(bus.broker, Buffer.from('{'), { type: 'SIDELINE_RULE' })
    const { event, message } = taskOf(1)
    expect(bus.rules.judge('process_consume', event, message).kind).toBe('pass')

    await bus.rules.loaded()

    expect(bus.rules.judge('process_consume', event, message)).toMatchObject({ kind: 'park', rule: { id: 'acme' } })
    expect(await linesOf('ebs_sideline_')).toEqual([
      'ebs_sideline_unclear_total{rule="blind"} 1',
      'ebs_sideline_unclear_total{rule="acme"} 0',
      'ebs_sideline_unreadable_total 1',
      'ebs_sideline_rules{phase="park"} 2',
      'ebs_sideline_rules{phase="hold"} 0',
    ])
  })

  test('that consumes nothing does not read them', async () => {
    await using service = opened()
    await service.bus.broker.ready()

    expect(await service.bus.broker.inspect('ebs.control')).toMatchObject({ consumers: 0 })
  })

  test('declares parking queues of the type that is configured', async () => {
    await using service = opened({ EBS_QUEUE_TYPE: 'classic' })
    const { bus } = service
    await bus.rules.loaded()
    bus.rules.join(member('c1', 'process_consume'))

    await say(bus.broker, ruleOf({ queues: ['process_consume'] }))

    const parking = 'ebs.sideline.r.process_consume'
    await eventually(async () => expect(await bus.broker.inspect(parking)).toBeDefined())
    await bus.broker.declare({ name: parking, arguments: { 'x-queue-type': 'classic' } })
  })

  test('has no circuit breaker unless it is switched on', async () => {
    await using off = opened()
    await using on = opened({ EBS_BREAKER: 'on', EBS_BREAKER_MIN: '1' })

    expect(off.bus.outcomes).toBe(noWatcher)
    on.bus.outcomes.observe('process_consume', taskOf(1).event, true)
    await eventually(async () => expect(await on.bus.broker.inspect('hub_consume')).toMatchObject({ messages: 1 }))
  })

  test.each([
    { by: 'tenant ==', variable: 'EBS_BREAKER_BY' },
    { by: 'headers["x-app"]', variable: 'EBS_BREAKER_PROCESS_CONSUME_BY' },
  ])('refuses a breaker by $by and names $variable', ({ by, variable }) => {
    const start = () => opened({ EBS_BREAKER: 'on', [variable]: by })

    expect(start).toThrow(ConfigError)
    expect(start).toThrow(variable)
  })
})
