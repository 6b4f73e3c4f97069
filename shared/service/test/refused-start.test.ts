import { describe, expect, test, vi } from 'vitest'
import { NewerTopologyError, TopologyDriftError } from '../../bus/broker.ts'
import { UnusableDatabaseError } from '../../store/migrations.ts'
import { HopelessStoreError, LockedStoreError, UnopenedStoreError } from '../../store/unopened-store.ts'
import { startService } from '../lifecycle.ts'
import { createLog } from '../log.ts'
import type { RunningService } from '../service.ts'
import { FakeBroker } from './fake-broker.ts'
import { listening, plan, releases, run, type Start, service, waitsForBroker } from './lifecycle-fixture.ts'

describe('a service that cannot start', () => {
  test('prints every mistake of the configuration and ends with 2', async () => {
    const { exits, printed, done } = run(waitsForBroker([]), { EBS_PREFETCH: 'x', EBS_QUEUE_TYPE: 'y' })
    await done

    expect(exits).toEqual([2])
    expect(printed.join('')).toMatch(/EBS_PREFETCH is "x"(.|\n)*EBS_QUEUE_TYPE is "y"/)
  })

  test('names the variable of a taken port and ends with 2', async () => {
    const other = await listening()
    releases.push(other.close)
    const { exits, printed, done } = run(waitsForBroker([]), { EBS_EXAMPLE_PORT: String(other.port) })
    await done

    expect(exits).toEqual([2])
    expect(printed.join('')).toContain(
      `Port ${other.port} on 127.0.0.1 is taken by another program. Set EBS_EXAMPLE_PORT`,
    )
  })

  test('D8: prints how the topology differs, without a stack, and ends with 1', async () => {
    const { broker, exits, printed, done } = run(waitsForBroker([]))
    await vi.waitFor(() => expect(broker.listeners).toBe(1))
    const drift = {
      kind: 'queue',
      name: 'statistics',
      argument: 'x-queue-type',
      wanted: 'quorum',
      found: 'classic',
    } as const
    broker.refuse(new TopologyDriftError([drift]))
    await done

    expect(exits).toEqual([1])
    expect(printed.join('')).toContain('queue statistics: x-queue-type is classic, this version of ebs wants quorum')
    expect(printed.join('')).not.toContain('.ts:')
  })

  test('D8: prints that the broker was made for a newer ebs, without a stack, and ends with 1', async () => {
    const { broker, exits, printed, done } = run(waitsForBroker([]))
    await vi.waitFor(() => expect(broker.listeners).toBe(1))
    broker.refuse(new NewerTopologyError({ found: 3, known: 2 }))
    await done

    expect(exits).toEqual([1])
    expect(printed.join('')).toContain('The broker holds topology 3')
    expect(printed.join('')).not.toContain('.ts:')
  })

  test('also when it does not wait for the broker itself', async () => {
    const { broker, exits, printed, done, exited } = run(async ({ connect }) => {
      connect(plan)
      return { stop: async () => {} }
    })
    await done
    broker.refuse(new TopologyDriftError([]))
    await exited()

    expect([exits, printed.length]).toEqual([[1], 1])
  })

  test('also when its start waits for something else that never comes', async () => {
    const never = new Promise<RunningService>(() => {})
    const start: Start = ({ connect }) => {
      connect(plan)
      return never
    }
    const { broker, exits, printed, done } = run(start, { EBS_SHUTDOWN_TIMEOUT_MS: '100' })
    await vi.waitFor(() => expect(broker.listeners).toBe(1))
    broker.refuse(new TopologyDriftError([]))
    await done

    expect([exits, printed.length, broker.closes]).toEqual([[1], 1, 1])
  })

  test.each([
    ['is of a newer version', 2, new UnusableDatabaseError('hub.db has 9 migrations')],
    ['is damaged', 2, new HopelessStoreError('hub.db has 9 migrations')],
    ['is on a full disk', 1, new UnopenedStoreError('hub.db has 9 migrations')],
    ['is locked', 1, new LockedStoreError('hub.db has 9 migrations')],
  ])('prints that a store %s, without a stack, and ends with %i', async (_, code, error) => {
    const { exits, printed, done } = run(() => Promise.reject(error))
    await done

    expect(exits).toEqual([code])
    expect(printed.join('')).toMatch(/^.*hub\.db has 9 migrations\s*$/)
  })

  test('logs any other error with its stack and ends with 1', async () => {
    const { broker, exits, lines, done } = run(({ connect }) => {
      connect(plan)
      return Promise.reject(new Error('no such table'))
    })
    await done

    expect([exits, broker.closes]).toEqual([[1], 1])
    expect(lines.join('')).toMatch(/"level":"fatal".*no such table.*stack/)
  })

  test('leaves nothing behind when it was started inside another process', async () => {
    const broker = new FakeBroker()
    const { port, close } = await listening()
    await close()
    const definition = service(async ({ connect }) => {
      connect(plan)
      throw new Error('no such table')
    })
    const log = createLog({ service: 'example', level: 'silent' })
    const starting = startService(definition, { connect: () => broker, env: { EBS_EXAMPLE_PORT: String(port) }, log })

    await expect(starting).rejects.toThrow('no such table')
    expect(broker.state).toBe('closed')
    await expect(fetch(`http://127.0.0.1:${port}`)).rejects.toThrow()
  })
})
