import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { hasRabbitmqServer } from './support/private-broker.ts'

const program = join(import.meta.dirname, '..', 'dist', 'scripts', 'chaos', 'main.js')
/** Half a minute of faults, and on a busy machine a multiple of that for starting, waiting and stopping. */
const RUN_MS_MAX = 400_000

const kinds = ['kill-service', 'kill-broker', 'cut-connections', 'pause-service', 'full-disk']
/** Draws each of the kinds once: kill-service processor-2, pause-service distributor, full-disk datagen. */
const SEED = 2_962

const report = z.object({
  seed: z.number(),
  command: z.string(),
  faults: z.array(z.object({ fault: z.string(), struck: z.number(), outcome: z.string(), notes: z.array(z.string()) })),
  load: z.array(z.object({ kind: z.string(), accepted: z.number(), good: z.number() })),
  checks: z.array(
    z.object({ what: z.string(), expected: z.number(), found: z.number(), details: z.array(z.string()) }),
  ),
  isRight: z.boolean(),
})

// A node that is killed and booted again needs the program.
describe.runIf(hasRabbitmqServer)('with a broker of its own', () => {
  test(
    'D3, D4, D6: real processes and a real broker that are struck in five ways under load lose nothing and do nothing twice',
    async () => {
      const args = ['--minutes', '0.4', '--seed', String(SEED), '--only', kinds.join(','), '--json']
      const chaos = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
      const [stdout, stderr] = await Promise.all([text(chaos.stdout), text(chaos.stderr), once(chaos, 'close')])
      const said = () => report.parse(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? ''))

      expect(said, stderr).not.toThrow()
      const { faults, load, checks, ...whole } = said()
      const wrong = checks.filter(({ expected, found }) => expected !== found)
      expect(wrong, stderr).toEqual([])
      expect(faults.map(({ fault }) => fault).sort()).toEqual(kinds.toSorted())
      for (const { fault, struck, outcome, notes } of faults) {
        // Without the right to mount and without prlimit there is no full disk, and one that nobody had to write to strikes nobody: then the
        // report says so.
        const isExcused = fault === 'full-disk' && ['not possible here', 'did not strike'].includes(outcome)
        const expected = isExcused ? { struck: 0, outcome } : { struck: 1, outcome: 'survived' }
        expect({ fault, struck, outcome }).toEqual({ fault, ...expected })
        expect(!isExcused || notes.length > 0).toBe(true)
      }
      expect(load.map(({ kind }) => kind).sort()).toEqual(['flow', 'group', 'journey', 'object'])
      for (const { kind, accepted, good } of load) {
        expect(accepted, kind).toBeGreaterThan(10)
        expect(good, kind).toBeGreaterThan(0)
      }
      expect(whole).toMatchObject({ seed: SEED, isRight: true, command: expect.stringContaining(`--seed ${SEED}`) })
      expect(chaos.exitCode).toBe(0)
    },
    RUN_MS_MAX,
  )
})
