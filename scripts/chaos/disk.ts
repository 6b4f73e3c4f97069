import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { codeOf } from '../processes.ts'

const run = promisify(execFile)

const MIB = 1_048_576
/** A database and its log for the first minutes, and for each that follows. What a tmpfs is allowed it does not take. */
const DISK_MIB = 192
const DISK_MIB_PER_MINUTE = 32
const PAGE_BYTES = 4_096
const BALLAST = 'ballast'

/** The data folder of one store, on a disk that can be full. */
export type Disk = {
  readonly folder: string
  readonly how: 'tmpfs' | 'prlimit' | 'none'
  /** From now on what these processes write here is refused. */
  fill(pids: readonly number[]): Promise<void>
  /** Refuses all writes of these processes as well, which a full disk does not: false where that cannot be done, or is done already. */
  limit(pids: readonly number[]): Promise<boolean>
  free(): Promise<void>
  /** Unmounts it; to keep what is in it, it is copied first. */
  close(keep: boolean): Promise<void>
}

export const diskWays: Readonly<Record<Disk['how'], string>> = {
  tmpfs: 'a small tmpfs, filled by a ballast file',
  prlimit:
    'a file size limit of one byte for the processes that write to it (prlimit), so that every write is refused: mounting a small disk is not permitted',
  none: 'not possible: neither mounting nor prlimit works',
}

/** Makes the folder, on a tmpfs of its own where that is permitted. */
export async function openDisk(folder: string, minutes: number): Promise<Disk> {
  mkdirSync(folder, { recursive: true })
  const mib = Math.ceil(DISK_MIB + DISK_MIB_PER_MINUTE * minutes)
  const limits = (await works('prlimit', '--version')) ? fileLimits() : undefined
  if (await works('mount', '-t', 'tmpfs', '-o', `size=${mib}m,mode=755`, 'ebs-chaos', folder))
    return smallDisk(folder, limits)
  return limits ? limitedWriters(folder, limits) : plainFolder(folder)
}

const works = (program: string, ...args: readonly string[]) =>
  run(program, [...args]).then(
    () => true,
    () => false,
  )

function smallDisk(folder: string, limits?: Limits): Disk {
  const ballast = join(folder, BALLAST)
  const free = async () => {
    await limits?.lift()
    rmSync(ballast, { force: true })
  }
  return {
    folder,
    how: 'tmpfs',
    async fill() {
      const file = await open(ballast, 'a')
      try {
        for (const bytes of [MIB, PAGE_BYTES]) await fillUp(file, bytes)
      } finally {
        await file.close()
      }
    },
    async limit(pids) {
      await limits?.set(pids)
      return limits !== undefined
    },
    free,
    async close(keep) {
      await free()
      const kept = `${folder}.kept`
      if (keep) cpSync(folder, kept, { recursive: true })
      // Lazily when somebody stands in it: nothing is left once he has gone.
      if (isMounted(folder) && !(await works('umount', folder))) await run('umount', ['-l', folder])
      if (keep) cpSync(kept, folder, { recursive: true })
      rmSync(kept, { recursive: true, force: true })
    },
  }
}

/** Whether something is mounted there. */
export const isMounted = (folder: string): boolean =>
  existsSync('/proc/mounts') && readFileSync('/proc/mounts', 'utf8').includes(` ${folder} `)

async function fillUp(file: FileHandle, bytes: number): Promise<void> {
  const ballast = Buffer.alloc(bytes)
  try {
    for (;;) await file.write(ballast)
  } catch (error) {
    if (codeOf(error) !== 'ENOSPC') throw error
  }
}

type Limits = { set(pids: readonly number[]): Promise<void>; lift(): Promise<void> }

/** Limits of one byte for every file that these processes write. */
function fileLimits(): Limits {
  const limited = new Set<number>()
  // The soft limit only: it may be raised again up to the hard one without any rights.
  const limit = (pid: number, bytes: string) => run('prlimit', ['--pid', String(pid), `--fsize=${bytes}:`])
  return {
    async set(pids) {
      for (const pid of pids) limited.add(pid)
      // One that has just died writes nothing either.
      await Promise.allSettled(pids.map((pid) => limit(pid, '1')))
    },
    async lift() {
      // One that was killed meanwhile is free already.
      await Promise.allSettled([...limited].map((pid) => limit(pid, 'unlimited')))
      limited.clear()
    },
  }
}

const no = async () => false
const limitedWriters = (folder: string, { set, lift }: Limits): Disk => ({
  ...{ folder, how: 'prlimit', fill: set, limit: no, free: lift, close: lift },
})

const nothing = async () => undefined
const plainFolder = (folder: string): Disk => ({
  ...{ folder, how: 'none', fill: nothing, limit: no, free: nothing, close: nothing },
})
