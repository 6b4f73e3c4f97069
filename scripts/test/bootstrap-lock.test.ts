import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from './temporary-folder.ts'

const lockModule = join(import.meta.dirname, '..', 'bootstrap', 'lock.mjs')

/** A process that takes the lock, notes that it is in, stays for a moment, and notes that it is out. */
async function visit(folder: string): Promise<number> {
  const program = `
    import { withLock } from ${JSON.stringify(lockModule)}
    import { appendFileSync } from 'node:fs'
    import { setTimeout as stay } from 'node:timers/promises'
    await withLock(${JSON.stringify(join(folder, 'lock'))}, async () => {
      appendFileSync(${JSON.stringify(join(folder, 'log'))}, 'in ')
      await stay(30)
      appendFileSync(${JSON.stringify(join(folder, 'log'))}, 'out ')
    })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'ignore' })
  const [code] = await once(child, 'exit')
  return code
}

describe('the lock of the set-up', () => {
  test.each([
    { lock: undefined, why: 'at first' },
    { lock: '4194305 1\n', why: 'after a holder that is gone' },
    { lock: `${process.pid} 1\n`, why: 'after a holder whose number somebody else has now' },
  ])('lets one in at a time, $why', async ({ lock }) => {
    using folder = temporaryFolder()
    if (lock !== undefined) writeFileSync(join(folder.path, 'lock'), lock)

    const codes = await Promise.all([1, 2, 3, 4].map(() => visit(folder.path)))

    expect(codes).toEqual([0, 0, 0, 0])
    expect(readFileSync(join(folder.path, 'log'), 'utf8')).toBe('in out '.repeat(4))
    expect(readdirSync(folder.path)).toEqual(['log'])
  })
})
