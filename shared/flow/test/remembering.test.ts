import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { z } from 'zod'
import { Retryable, Unrecoverable } from '../../bus/retry.ts'
import { VirtualClock } from '../../clock.ts'
import { createLog } from '../../service/log.ts'
import { SqliteActivityMemory } from '../../store/activity-memory.ts'
import { scratch } from '../../store/test/scratch.ts'
import { type ActivityContext, ActivityError, activity, CarriedOutError } from '../activity.ts'
import { type RememberingOptions, remembering } from '../remembering.ts'

const clock = new VirtualClock(Date.parse('2026-01-01T00:00:00.000Z'))
const log = createLog({ service: 'test', level: 'silent' })
const context = (change: Partial<ActivityContext> = {}): ActivityContext => ({
  callId: 's1:mail',
  idempotencyKey: 's1:mail',
  attempt: 1,
  sagaId: 's1',
  tenant: 'default',
  signal: new AbortController().signal,
  log,
  ...change,
})

function memoryAt(path = join(scratch(), 'processor.db')) {
  const memory = new SqliteActivityMemory(path)
  onTestFinished(() => memory.close())
  return memory
}

/** An activity that fails with these, one after the other, then succeeds; how often it had its effect. */
function mailing(errors: unknown[] = [], options: Omit<RememberingOptions, 'clock'> = {}, memory = memoryAt()) {
  const effects: unknown[] = []
  const mail = activity({
    name: 'mail',
    input: z.unknown(),
    output: z.object({ n: z.int() }),
    run(input) {
      const n = effects.push(input)
      if (errors.length > 0) throw errors.shift()
      return { n }
    },
  })
  return { effects, memory, mail: remembering(mail, memory, { clock, ...options }) }
}

test('what was done under a key is not done again: its output is given', async () => {
  const { mail, effects } = mailing()

  const first = await mail.run('a', context())
  const again = await mail.run('a', context({ attempt: 2 }))

  expect([first, again]).toEqual([{ n: 1 }, { n: 1 }])
  expect(effects).toEqual(['a'])
})

test('another key is another effect, and another activity has keys of its own', async () => {
  const { mail, effects, memory } = mailing()
  const other = activity({ name: 'sms', input: z.unknown(), output: z.string(), run: () => 'sent' })

  await mail.run('a', context())
  await mail.run('b', context({ idempotencyKey: 's1:mail#1' }))

  expect(effects).toEqual(['a', 'b'])
  expect(await remembering(other, memory, { clock }).run('a', context())).toBe('sent')
})

test('two requests with one key at the same time have one effect and the same outcome', async () => {
  const { mail, effects } = mailing()

  const outcomes = await Promise.all([mail.run('a', context()), mail.run('a', context({ attempt: 2 }))])

  expect(outcomes).toEqual([{ n: 1 }, { n: 1 }])
  expect(effects).toHaveLength(1)
})

test('another process that shares the file knows what was done', async () => {
  const path = join(scratch(), 'processor.db')
  const here = mailing([], {}, memoryAt(path))
  const there = mailing([], {}, memoryAt(path))

  await here.mail.run('a', context())

  expect(await there.mail.run('a', context())).toEqual({ n: 1 })
  expect(there.effects).toEqual([])
})

test.each([
  { what: 'Unrecoverable', error: new Unrecoverable('no') },
  { what: 'Retryable', error: new Retryable('busy') },
  { what: 'the 400 family', error: new ActivityError(499, 'no') },
])('$what says that nothing was done: the next attempt runs, also where what is unknown fails', async ({ error }) => {
  const { mail } = mailing([error], { whenUnknown: 'fail' })

  await expect(mail.run('a', context())).rejects.toBe(error)

  expect(await mail.run('a', context({ attempt: 2 }))).toEqual({ n: 2 })
})

test.each([
  { what: 'any error', error: new Error('connection reset') },
  { what: 'the 500 family', error: new ActivityError(503, 'no answer') },
])('$what leaves it unknown whether it was done: it is done again', async ({ error }) => {
  const { mail } = mailing([error])

  await expect(mail.run('a', context())).rejects.toBe(error)

  expect(await mail.run('a', context({ attempt: 2 }))).toEqual({ n: 2 })
})

test('what is unknown fails for good where that is chosen, until a person has it tried again', async () => {
  const { mail, effects } = mailing([new Error('connection reset')], { whenUnknown: 'fail' })
  await expect(mail.run('a', context())).rejects.toThrow('connection reset')

  const told = mail.run('a', context({ attempt: 2 }))
  await expect(told).rejects.toMatchObject({
    status: 409,
    message: expect.stringMatching(/began at 2026.*skip.*retry/),
  })
  // The same attempt once more is a redelivery, and a later one the hub's own: neither is a decision.
  for (const attempt of [2, 3]) await expect(mail.run('a', context({ attempt }))).rejects.toMatchObject({ status: 409 })
  expect(effects).toHaveLength(1)

  expect(await mail.run('a', context({ attempt: 4, decidedAfter: 3 }))).toEqual({ n: 2 })
})

test('a decision counts once: what is unknown after it fails again, also in the retries that were its own', async () => {
  const { mail, effects } = mailing([new Error('reset'), new Error('reset')], { whenUnknown: 'fail' })
  for (const attempt of [1, 2]) await expect(mail.run('a', context({ attempt }))).rejects.toThrow()

  await expect(mail.run('a', context({ attempt: 3, decidedAfter: 2 }))).rejects.toThrow('reset')
  for (const attempt of [3, 4, 5])
    await expect(mail.run('a', context({ attempt, decidedAfter: 2 }))).rejects.toMatchObject({ status: 409 })
  expect(effects).toHaveLength(2)
})

test('a decision from before anybody was told is about something else', async () => {
  const { mail } = mailing([new Error('reset')], { whenUnknown: 'fail' })
  await expect(mail.run('a', context())).rejects.toThrow('reset')

  await expect(mail.run('a', context({ attempt: 3, decidedAfter: 2 }))).rejects.toMatchObject({ status: 409 })
})

test.each([
  { what: 'breaks its schema', gives: { n: 1.5 }, says: /What mail gave.*n: .*carried out/ },
  { what: 'is too large', gives: { n: 1, more: 'x'.repeat(70_000) }, says: /bytes as JSON.*carried out/ },
  { what: 'is no JSON', gives: { n: 1, more: 1n }, says: /no JSON.*carried out/ },
])(
  'an output that $what was an effect all the same: it is not done again, and fails alike',
  async ({ gives, says }) => {
    for (const whenUnknown of ['again', 'fail'] as const) {
      const run = vi.fn(() => gives)
      const output = z.looseObject({ n: z.int() })
      const mail = remembering(activity({ name: 'mail', input: z.unknown(), output, run }), memoryAt(), {
        clock,
        whenUnknown,
      })

      for (const attempt of [1, 1, 2, 3])
        await expect(mail.run('a', context({ attempt }))).rejects.toMatchObject({
          status: 400,
          message: expect.stringMatching(says),
        })
      expect(run).toHaveBeenCalledTimes(1)

      await expect(mail.run('a', context({ attempt: 4, decidedAfter: 3 }))).rejects.toThrow(says)
      expect(run).toHaveBeenCalledTimes(2)
    }
  },
)

test('what was carried out is remembered, whoever says so', async () => {
  const { mail, effects } = mailing([new CarriedOutError('answered 200 with 1 MB')], { whenUnknown: 'fail' })

  for (const attempt of [1, 2])
    await expect(mail.run('a', context({ attempt }))).rejects.toMatchObject({
      name: 'CarriedOutError',
      message: 'answered 200 with 1 MB',
    })

  expect(effects).toHaveLength(1)
})

describe('a request that joins another one', () => {
  /** Fails with the reason of its signal; how often it ran. */
  function patient() {
    const run = vi.fn(
      (_: unknown, { signal, attempt }: ActivityContext) =>
        new Promise<number>((resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason))
          if (attempt > 1) resolve(attempt)
        }),
    )
    const wait = activity({ name: 'wait', input: z.unknown(), output: z.int(), run })
    return { run, wait: remembering(wait, memoryAt(), { clock }) }
  }

  test('does not die of the deadline of that one: what has time left begins once more, together', async () => {
    const { run, wait } = patient()
    const first = new AbortController()

    const outcomes = [
      wait.run('a', context({ signal: first.signal })),
      wait.run('a', context({ attempt: 2 })),
      wait.run('a', context({ attempt: 3 })),
    ]
    await vi.waitFor(() => expect(run).toHaveBeenCalledTimes(1))
    first.abort(new Error('the deadline'))

    await expect(outcomes[0]).rejects.toThrow('the deadline')
    expect(await Promise.all(outcomes.slice(1))).toEqual([2, 2])
    expect(run).toHaveBeenCalledTimes(2)
  })

  test('ends with it when its own deadline has passed, too', async () => {
    const { run, wait } = patient()
    const both = new AbortController()
    const { signal } = both

    const outcomes = [wait.run('a', context({ signal })), wait.run('a', context({ attempt: 2, signal }))]
    await vi.waitFor(() => expect(run).toHaveBeenCalledTimes(1))
    both.abort(new Error('the deadline'))

    for (const outcome of outcomes) await expect(outcome).rejects.toThrow('the deadline')
    expect(run).toHaveBeenCalledTimes(1)
  })
})

/** Runs the compiled program of a process that is killed between the effect and the noting of it. */
async function killedAfterItsEffect(folder: string): Promise<void> {
  const file = fileURLToPath(new URL('../../../dist/shared/flow/test/child-activity.js', import.meta.url))
  if (!existsSync(file)) throw new Error(`${file} is not there: run \`npm run build\` first.`)
  const child: ChildProcess = spawn(process.execPath, [file, folder], { stdio: ['ignore', 'ignore', 'inherit'] })
  const [, signal] = await once(child, 'exit')
  expect(signal).toBe('SIGKILL')
}

const effectsIn = (folder: string) => readFileSync(join(folder, 'effects'), 'utf8')

test('killed between effect and outcome: done again by default', async () => {
  const folder = scratch()
  await killedAfterItsEffect(folder)
  const { mail, effects } = mailing([], {}, memoryAt(join(folder, 'processor.db')))

  expect(await mail.run('again', context())).toEqual({ n: 1 })

  expect(effectsIn(folder)).toBe('mailed\n')
  expect(effects).toEqual(['again'])
})

test('killed between effect and outcome: not done again, and a person is told, where that is chosen', async () => {
  const folder = scratch()
  await killedAfterItsEffect(folder)
  const { mail, effects } = mailing([], { whenUnknown: 'fail' }, memoryAt(join(folder, 'processor.db')))

  await expect(mail.run('again', context())).rejects.toMatchObject({ status: 409 })

  expect(effectsIn(folder)).toBe('mailed\n')
  expect(effects).toEqual([])
})
