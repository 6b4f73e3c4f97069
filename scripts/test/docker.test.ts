import { expect, test, vi } from 'vitest'
import { restartBackoff } from '../backoff.ts'
import { runningContainer } from '../broker/docker.ts'
import { keepRunning } from '../keep-running.ts'

const start = () => Promise.reject(new Error('it was started again'))

test.each(['stop', 'kill'] as const)(
  'a broker in a container that is told to %s is removed once, and has ended',
  async (how) => {
    const container = { stop: vi.fn(async () => undefined) }
    const say = vi.fn()
    const running = runningContainer(container)
    const kept = keepRunning({ name: 'the broker', start }, { backoff: restartBackoff, say, running })

    await kept[how]()

    expect(container.stop).toHaveBeenCalledTimes(1)
    expect(await running.exited).toEqual({ code: 0, signal: null })
    expect(say).not.toHaveBeenCalled()
  },
)
