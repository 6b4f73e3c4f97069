import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { diskWays } from './disk.ts'
import { type FaultName, type ProcessName, processNames } from './faults.ts'
import type { Step } from './plan.ts'
import type { Site } from './site.ts'
import type { Miss } from './struck.ts'
import type { WatchedProcess } from './watched-process.ts'
import { within } from './within.ts'

/** A broker boots in 5 to 8 s, and on a busy machine in far more; so do eight processes. */
const BACK_MS_MAX = 120_000
/** How long a store may be left alone by its service before its full disk has been noticed. */
const FELT_MS_MAX = 20_000
/** What a service logs when its store takes no writes. */
const STORE_TROUBLE = /SQLITE_FULL|SQLITE_IOERR|takes no writes|disk is full|disk I\/O error/

/** What a strike did, when that is not plain; `missed`: nothing, and why. */
export type Blow = { readonly note?: string; readonly missed?: Miss }

type Strike = (site: Site, step: Step, signal: AbortSignal) => Promise<Blow>

/** What each fault does, and undoes. Resolves when the cause is gone, not when the system has recovered. */
export const strikes: Readonly<Record<FaultName, Strike>> = {
  async 'kill-service'(site, step, signal) {
    const target = targetOf(site, step)
    const pid = await hit(target, 'SIGKILL', signal)
    await within(BACK_MS_MAX, signal, `${target.name} is dead`, () => target.pid !== pid)
    return {}
  },

  async 'kill-broker'(site, _step, signal) {
    const before = await nodeHit(site, 'kill', signal)
    await within(BACK_MS_MAX, signal, 'the broker is back', async () => site.node.pid() !== before && isServing(site))
    return {}
  },

  async 'cut-connections'({ node }, _step, signal) {
    let cut = 0
    await within(BACK_MS_MAX, signal, 'there are connections to cut', async () => {
      cut = await node.management.closeConnections()
      return cut > 0
    })
    return { note: `${cut} connections` }
  },

  async 'pause-service'(site, step, signal) {
    const target = targetOf(site, step)
    const pid = await hit(target, 'SIGSTOP', signal)
    await pause(step.holdMs, signal)
    // What stands still does not die: it was about to end already.
    const isHeld = target.pid === pid
    target.signal('SIGCONT')
    return isHeld ? {} : { missed: 'did not strike', note: `${target.name} ended while it was to stand still` }
  },

  'starve-heartbeats': (site, step, signal) => strikes['pause-service'](site, step, signal),

  async 'full-disk'({ disks, processes }, { target, holdMs }, signal) {
    const [store, disk] = [...disks].find(([name]) => name === target) ?? []
    if (!store || !disk) throw new Error(`There is no store ${target}.`)
    if (disk.how === 'none') return { missed: 'not possible here', note: diskWays.none }
    const users = [...processes.values()].filter(({ name }) => name.startsWith(store))
    const logged = () => users.map(({ logFile }) => readFileSync(logFile, 'utf8')).join('')
    const before = logged().length
    const living = () => users.flatMap(({ pid }) => (pid === undefined ? [] : [pid]))
    await within(BACK_MS_MAX, signal, `${store} lives, to be struck`, () => living().length > 0)
    const isFelt = () =>
      within(FELT_MS_MAX, signal, 'the full disk is noticed', () => STORE_TROUBLE.test(logged().slice(before))).catch(
        () => false,
      )
    try {
      await disk.fill(living())
      let how: string = disk.how
      let felt = await isFelt()
      // What a database has allocated before it writes to also on a full disk.
      if (!felt && (await disk.limit(living()))) {
        how += ' and prlimit'
        felt = await isFelt()
      }
      await pause(holdMs, signal)
      const note = `${how}, ${felt ? 'noticed' : 'NOT noticed'} by ${store}`
      return felt ? { note } : { note, missed: 'did not strike' }
    } finally {
      await disk.free()
    }
  },

  async 'memory-alarm'({ node }, { holdMs }, signal) {
    if (!node.hasControl) return { missed: 'not possible here', note: 'there is no rabbitmqctl beside rabbitmq-server' }
    const { management } = node
    await node.alarm(true)
    try {
      await within(BACK_MS_MAX, signal, 'the memory alarm is set', () => management.hasMemoryAlarm())
      await pause(holdMs, signal)
    } finally {
      await node.alarm(false)
    }
    await within(BACK_MS_MAX, signal, 'the memory alarm is over', async () => !(await management.hasMemoryAlarm()))
    return {}
  },

  async 'pause-broker'(site, { holdMs }, signal) {
    const pid = await nodeHit(site, 'pause', signal)
    await pause(holdMs, signal)
    const isHeld = site.node.pid() === pid
    site.node.goOn()
    return isHeld ? {} : { missed: 'did not strike', note: 'the broker ended while it was to stand still' }
  },

  async 'rolling-restart'(site, _step, signal) {
    for (const name of processNames) {
      const one = site.processes.get(name)
      if (!one) continue
      const before = await hit(one, 'SIGTERM', signal)
      const isBack = async () => one.pid !== before && (await fetch(`${site.urlOf(name)}/health/ready`)).ok
      await within(BACK_MS_MAX, signal, `${name} is ready again`, isBack)
    }
    return {}
  },
}

/** Whether the broker lets somebody in. */
export const isServing = ({ node }: Site): Promise<boolean> =>
  node.management.depths().then(
    () => true,
    () => false,
  )

/** Sends a signal as soon as there is a process to get it, and gives its id: one that has just died is back soon. */
async function hit(target: Target, what: NodeJS.Signals, signal: AbortSignal): Promise<number | undefined> {
  let pid: number | undefined
  await within(BACK_MS_MAX, signal, `${target.name} lives, to be struck`, () => {
    pid = target.pid
    return target.signal(what)
  })
  return pid
}

type Target = Pick<WatchedProcess, 'name' | 'pid' | 'signal'>

/** The same for the broker. */
async function nodeHit({ node }: Site, how: 'kill' | 'pause', signal: AbortSignal): Promise<number | undefined> {
  let pid: number | undefined
  await within(BACK_MS_MAX, signal, 'the broker lives, to be struck', () => {
    pid = node.pid()
    return node[how]()
  })
  return pid
}

function targetOf({ processes }: Site, { target }: Step) {
  const found = processes.get(processNames.find((name): name is ProcessName => name === target) ?? 'hub')
  if (!found) throw new Error(`There is no process ${target}.`)
  return found
}

/** Resolves after the time, or as soon as somebody says stop. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined)
}
