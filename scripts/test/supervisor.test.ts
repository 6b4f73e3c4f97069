import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import type { Backoff } from '../backoff.ts'
import { isAlive } from '../processes.ts'
import type { Running } from '../running.ts'
import { serviceProcess } from '../service-process.ts'
import { superviseSystem } from '../supervisor.ts'
import { temporaryFolder } from './temporary-folder.ts'

const quick: Backoff = { firstMs: 20, maxMs: 100, steadyMs: 60_000 }

/** Notes what happens to it: `<name> start <pid>` and `<name> stop`; then lives until it is told to stop. */
const preamble = (name: string, log: string) => `
  import { appendFileSync, readFileSync } from 'node:fs'
  const note = (line) => appendFileSync(${JSON.stringify(log)}, '${name} ' + line + '\\n')
  const starts = () => readFileSync(${JSON.stringify(log)}, 'utf8').split('\\n').filter((l) => l.startsWith('${name} start')).length
  note('start ' + process.pid)
`
const untilTold = `process.on('SIGTERM', () => { note('stop'); process.exit(0) }); setInterval(() => {}, 1000)`

/** A system of stand-ins, given by name and program, with what they noted. */
function systemOf(
  folder: string,
  programs: Readonly<Record<string, string>>,
  { stopMsMax = 10_000, backoff = quick }: { readonly stopMsMax?: number; readonly backoff?: Backoff } = {},
) {
  const log = join(folder, 'log')
  const services = Object.entries(programs).map(([name, program]) => {
    const file = join(folder, `${name}.mjs`)
    writeFileSync(file, preamble(name, log) + program)
    return serviceProcess({ name, program: file, root: folder, env: {}, stopMsMax })
  })
  const said: string[] = []
  const system = superviseSystem({ services, say: (line) => said.push(line), backoff })
  const noted = () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [])
  const pids = (name: string) =>
    noted().flatMap((line) => (line.startsWith(`${name} start`) ? [Number(line.split(' ')[2])] : []))
  return { system, said, noted, pids }
}

const eventually = (check: () => void) => vi.waitFor(check, { timeout: 10_000, interval: 20 })

describe('the supervisor', () => {
  test('starts again what dies, and says so', async () => {
    using folder = temporaryFolder()
    const { system, said, pids } = systemOf(folder.path, { a: `if (starts() < 3) process.exit(7); ${untilTold}` })

    await eventually(() => expect(pids('a')).toHaveLength(3))
    await system.stop()

    expect(said).toEqual([
      'a died (exit status 7); starting it again in 0.02 s',
      'a died (exit status 7); starting it again in 0.04 s',
    ])
  })

  test('starts again what was killed, and leaves the others alone', async () => {
    using folder = temporaryFolder()
    const { system, pids } = systemOf(folder.path, { a: untilTold, b: untilTold })
    await eventually(() => expect([...pids('a'), ...pids('b')]).toHaveLength(2))

    process.kill(pids('a')[0] ?? 0, 'SIGKILL')

    await eventually(() => expect(pids('a')).toHaveLength(2))
    expect(pids('b')).toHaveLength(1)
    await system.stop()
  })

  test('stops one after another, the first of the list first, and leaves no process behind', async () => {
    using folder = temporaryFolder()
    const slow = `process.on('SIGTERM', () => setTimeout(() => { note('stop'); process.exit(0) }, 200)); setInterval(() => {}, 1000)`
    const { system, noted, pids } = systemOf(folder.path, { a: slow, b: untilTold, c: untilTold })
    await eventually(() => expect(noted()).toHaveLength(3))

    await system.stop()

    expect(noted().slice(3)).toEqual(['a stop', 'b stop', 'c stop'])
    expect(['a', 'b', 'c'].flatMap(pids).filter(isAlive)).toEqual([])
  })

  test('kills what does not stop in time', async () => {
    using folder = temporaryFolder()
    const deaf = `process.on('SIGTERM', () => {}); note('deaf'); setInterval(() => {}, 1000)`
    const { system, noted, pids } = systemOf(folder.path, { a: deaf }, { stopMsMax: 100 })
    await eventually(() => expect(noted()).toContain('a deaf'))

    await system.stop()

    expect(pids('a').filter(isAlive)).toEqual([])
  })

  test('stops at once what is waiting to be started again', async () => {
    using folder = temporaryFolder()
    const never = { firstMs: 3_600_000, maxMs: 3_600_000, steadyMs: 60_000 }
    const { system, said, pids } = systemOf(folder.path, { a: 'process.exit(1)' }, { backoff: never })
    await eventually(() => expect(said).toEqual(['a died (exit status 1); starting it again in 3600 s']))

    await system.stop()

    expect(pids('a')).toHaveLength(1)
  })

  test('gives up when the first run ends with what starting again cannot mend', async () => {
    using folder = temporaryFolder()
    const { system, pids } = systemOf(folder.path, { a: untilTold, b: 'process.exit(2)' })

    expect(await system.hopeless).toBe('b')
    await system.stop()

    expect(pids('b')).toHaveLength(1)
    expect(pids('a').filter(isAlive)).toEqual([])
  })

  test('goes on when a later run ends like that: the port may only be taken for a moment', async () => {
    using folder = temporaryFolder()
    const program = `const n = starts(); if (n < 3) process.exit(n); ${untilTold}`
    const { system, pids } = systemOf(folder.path, { a: program })

    await eventually(() => expect(pids('a')).toHaveLength(3))
    await system.stop()
  })

  test('ends everything at once when told so', async () => {
    using folder = temporaryFolder()
    const deaf = `process.on('SIGTERM', () => {}); note('deaf'); setInterval(() => {}, 1000)`
    const { system, noted, pids } = systemOf(folder.path, { a: deaf, b: deaf })
    await eventually(() => expect(noted().filter((line) => line.endsWith('deaf'))).toHaveLength(2))

    await system.kill()

    expect([...pids('a'), ...pids('b')].filter(isAlive)).toEqual([])
  })

  test('stops the broker last', async () => {
    using folder = temporaryFolder()
    const order: string[] = []
    let end: () => void = () => {}
    const running: Running = {
      exited: new Promise((resolve) => {
        end = () => resolve({ code: 0, signal: null })
      }),
      stop: async () => {
        order.push('broker')
        end()
      },
      kill: async () => end(),
    }
    const file = join(folder.path, 'a.mjs')
    writeFileSync(file, 'setInterval(() => {}, 1000)')
    const service = serviceProcess({ name: 'a', program: file, root: folder.path, env: {}, stopMsMax: 5_000 })
    const watched = {
      name: 'a',
      start: async (signal: AbortSignal) => {
        const started = await service.start(signal)
        void started.exited.then(() => order.push('a'))
        return started
      },
    }
    const system = superviseSystem({ services: [watched], broker: { running }, say: () => {}, backoff: quick })

    await system.stop()

    expect(order[0]).toBe('a')
    expect(order).toContain('broker')
  })
})
