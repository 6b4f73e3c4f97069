import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Disk } from '../disk.ts'
import type { FaultName, ProcessName } from '../faults.ts'
import type { Site } from '../site.ts'
import { strikes } from '../strikes.ts'
import type { WatchedProcess } from '../watched-process.ts'

/** Asks a few times in a row instead of for a time. */
vi.mock('../within.ts', () => ({
  async within(_ms: number, _signal: AbortSignal, what: string, isSo: () => boolean | Promise<boolean>) {
    for (let left = 3; left > 0; left--) if (await isSo()) return true
    throw new Error(`In vain: ${what}`)
  },
}))

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ebs-strikes-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const { signal } = new AbortController()

/** A process that is between two lives when it is first asked for, and ends by what `ends` it. */
function fakeProcess(name: ProcessName, ends: readonly NodeJS.Signals[] = []) {
  const got: NodeJS.Signals[] = []
  const logFile = join(folder, `${name}.log`)
  writeFileSync(logFile, '')
  let [pid, asked]: [number | undefined, number] = [undefined, 0]
  const process: WatchedProcess = {
    ...{ name, pids: [], deaths: [], logFile },
    get pid() {
      return pid
    },
    signal(what) {
      if (asked++ === 0) pid = 1
      else if (pid !== undefined) {
        got.push(what)
        if (ends.includes(what)) pid++
        return true
      }
      return false
    },
    start: () => Promise.reject(new Error('it is started by nobody')),
  }
  return { process, got }
}

function siteWith(processes: readonly WatchedProcess[], disks: readonly (readonly ['hub', Disk])[] = []): Site {
  const not = () => {
    throw new Error('not asked for')
  }
  const node: Site['node'] = {
    ...{ amqpUrl: '', managementUrl: '', pids: [], hasControl: false, alarm: not, pid: not },
    ...{ kill: not, pause: not, goOn: not },
    get management() {
      return not()
    },
    get owned() {
      return not()
    },
  }
  return {
    ...{ folder, node, disks: new Map(disks), dataOf: not, urlOf: not, deaths: not, untilReady: not },
    ...{ heal: not, stop: not, kill: not, clear: not },
    processes: new Map(processes.map((one) => [one.name, one])),
  }
}

const step = (fault: FaultName, target: 'hub' | 'processor') => ({ fault, target, gapMs: 0, holdMs: 1 })

test('who is between two lives is struck in the next one', async () => {
  const killed = fakeProcess('processor', ['SIGKILL'])
  const paused = fakeProcess('hub')

  expect(await strikes['kill-service'](siteWith([killed.process]), step('kill-service', 'processor'), signal)).toEqual(
    {},
  )
  expect(await strikes['pause-service'](siteWith([paused.process]), step('pause-service', 'hub'), signal)).toEqual({})
  expect([killed.got, paused.got]).toEqual([['SIGKILL'], ['SIGSTOP', 'SIGCONT']])
})

test('who ends instead of standing still was not struck', async () => {
  const { process } = fakeProcess('hub', ['SIGSTOP'])

  expect(await strikes['pause-service'](siteWith([process]), step('pause-service', 'hub'), signal)).toMatchObject({
    missed: 'did not strike',
  })
})

/** A full disk below the hub, which says something of it as soon as this is done to it. */
async function fullDisk(felt: 'fill' | 'limit' | 'nothing') {
  const { process } = fakeProcess('hub')
  process.signal('SIGCONT')
  const says = (what: string) => what === felt && writeFileSync(process.logFile, 'SQLITE_FULL')
  const disk: Disk = {
    ...{ folder, how: 'tmpfs', close: async () => undefined },
    fill: vi.fn(async () => void says('fill')),
    limit: vi.fn(async () => says('limit') || true),
    free: vi.fn(async () => undefined),
  }
  const site = siteWith([process], [['hub', disk]])
  return { blow: await strikes['full-disk'](site, step('full-disk', 'hub'), signal), disk }
}

test.each([
  { felt: 'fill', limited: 0, blow: { note: 'tmpfs, noticed by hub' } },
  { felt: 'limit', limited: 1, blow: { note: 'tmpfs and prlimit, noticed by hub' } },
  {
    felt: 'nothing',
    limited: 1,
    blow: { note: 'tmpfs and prlimit, NOT noticed by hub', missed: 'did not strike' },
  },
] as const)('a full disk that is felt by way of $felt', async ({ felt, limited, blow }) => {
  const found = await fullDisk(felt)

  expect(found.blow).toEqual(blow)
  expect(found.disk.limit).toHaveBeenCalledTimes(limited)
  expect(found.disk.free).toHaveBeenCalledTimes(1)
})
