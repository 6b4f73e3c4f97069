import { describe, expect, test } from 'vitest'
import { NoBrokerError, takeFirst, type Way, type WayIn, ways, waysToTry } from '../broker/ways.ts'

/** Ways of which the named ones are open; those in `broken` reject, those in `gone` turn out to be closed. */
function waysIn({ open, broken = [], gone = [] }: { open: Way[]; broken?: Way[]; gone?: Way[] }) {
  const asked: Way[] = []
  const way = (name: Way): WayIn<Way> => ({
    isOpen: () => {
      asked.push(name)
      return open.includes(name)
    },
    take: async () => {
      if (broken.includes(name)) throw new Error(`${name} is broken`)
      return gone.includes(name) ? undefined : name
    },
  })
  const all = {
    url: way('url'),
    leftover: way('leftover'),
    running: way('running'),
    local: way('local'),
    docker: way('docker'),
    apt: way('apt'),
  }
  return { all, asked }
}

describe('the order of finding a broker', () => {
  test.each([
    { purpose: 'start', forced: undefined, order: ['url', 'leftover', 'running', 'local', 'docker', 'apt'] },
    { purpose: 'start', forced: 'url', order: ['url'] },
    { purpose: 'start', forced: 'local', order: ['leftover', 'local', 'apt'] },
    { purpose: 'start', forced: 'docker', order: ['docker'] },
    { purpose: 'test', forced: undefined, order: ['local', 'docker', 'apt'] },
    { purpose: 'test', forced: 'url', order: ['url'] },
    { purpose: 'test', forced: 'local', order: ['local', 'apt'] },
    { purpose: 'test', forced: 'docker', order: ['docker'] },
  ] as const)('$purpose, forced $forced: $order', ({ purpose, forced, order }) => {
    expect(waysToTry(purpose, forced)).toEqual(order)
  })

  test('takes the first that is open and does not ask further', async () => {
    const { all, asked } = waysIn({ open: ['running', 'local', 'docker'] })

    expect(await takeFirst(ways, all, () => {})).toBe('running')

    expect(asked).toEqual(['url', 'leftover', 'running'])
  })

  test('goes on when one that is open does not work or has gone, and tells of the failure', async () => {
    const { all } = waysIn({ open: ['leftover', 'local', 'apt'], broken: ['local'], gone: ['leftover'] })
    const failures: string[] = []

    expect(await takeFirst(ways, all, (way, error) => failures.push(`${way}: ${error}`))).toBe('apt')

    expect(failures).toEqual(['local: Error: local is broken'])
  })

  test('when none works, one message lists the ways', async () => {
    const { all } = waysIn({ open: [] })

    const error = await takeFirst(ways, all, () => {}).catch((reason: unknown) => reason)

    expect(error).toBeInstanceOf(NoBrokerError)
    for (const word of ['EBS_AMQP_URL', '5672', 'rabbitmq-server', 'Docker', 'apt-get', 'EBS_BROKER=memory']) {
      expect(String(error)).toContain(word)
    }
  })
})
