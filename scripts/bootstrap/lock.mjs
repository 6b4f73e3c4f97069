import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** How often a waiting process looks again. The wait is for an installation or a compiler, so this is soon enough. */
const pollMs = 200

/**
 * Runs the job while no other process runs one under the same lock file, so that `npm test` beside `npm start` does not install
 * into the same folder. The file names its holder; one whose holder is gone is broken.
 */
export async function withLock(path, job) {
  mkdirSync(dirname(path), { recursive: true })
  const mine = `${process.pid} ${startOf(process.pid)}\n`
  let told = false
  while (!take(path, mine)) {
    const holder = read(path)
    if (holder === undefined) continue
    if (!isAlive(holder)) {
      breakStale(path, holder)
      continue
    }
    if (!told) console.log(`ebs  waiting: process ${holder.split(' ')[0]} is installing or compiling in this folder`)
    told = true
    await sleep(pollMs)
  }
  try {
    return await job()
  } finally {
    rmSync(path, { force: true })
  }
}

/** `wx` fails when the file is there, so that only one of several takes it. */
function take(path, mine) {
  try {
    writeFileSync(path, mine, { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

function read(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}

/** The file is moved away before it is judged again: of several that break it, one gets it, and nobody removes a fresh one. */
function breakStale(path, stale) {
  const aside = `${path}.${process.pid}`
  try {
    renameSync(path, aside)
  } catch (error) {
    if (error.code === 'ENOENT') return
    throw error
  }
  if (read(aside) === stale) rmSync(aside)
  else renameSync(aside, path)
}

function isAlive(holder) {
  const [pid = '', start = ''] = holder.trim().split(' ')
  // An empty file is one that its writer has created and not filled yet.
  if (pid === '') return true
  try {
    process.kill(Number(pid), 0)
  } catch (error) {
    return error.code === 'EPERM'
  }
  return startOf(pid) === start
}

/** When the process started, in ticks since boot: tells a holder from a stranger that got the same number later. */
function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return 'unknown'
    throw error
  }
}
