import { describe, expect, test } from 'vitest'
import { fakeApi, type Routes } from '../../cli/test/fake-api.ts'
import { runEbs } from '../../cli/test/fake-terminal.ts'

const job = {
  ...{ id: 'r-7', act: 'replay', status: 'completed', phase: 'ramp', total: 200, moved: 200, handled: 200 },
  ...{ failed: 0, dead: 0, parked: 0, pending: 0 },
}
const dryOr = (act: string, count = 200): Routes => ({
  [`POST /api/dead/${act}`]: ({ body }) =>
    JSON.stringify(body).includes('"dryRun":true')
      ? { json: { count, needForce: 2 } }
      : { status: 202, json: { replay: 'r-7', count } },
  'GET /api/replays/r-7': { json: { ...job, act, total: count, moved: count } },
})
const replay = ['dead', 'replay', '--reason', 'fixed']

describe('dead replay, discard and archive', () => {
  test('counts first, asks with the count, acts, and follows the job', async () => {
    await using api = await fakeApi(dryOr('replay'))

    const pacing = ['--queue', 'process_consume', '--canary', '0', '--max-failure', '5%', '--force']
    const { code, out, err } = await runEbs([...replay, ...pacing], { ...api, isTty: true, typed: 'YES\n' })

    expect(code).toBe(0)
    expect(err).toContain('Replay 200 messages of process_consume? [y/N]')
    expect(out).toBe('The replay r-7 is completed: 200 handled of 200 messages.\n')
    const act = { actor: 'ann@desk', reason: 'fixed', canary: 0, maxFailure: 5, force: true }
    expect(api.posted('/api/dead/replay')).toEqual([
      { filter: { queue: 'process_consume' }, ...act, dryRun: true },
      { filter: { queue: 'process_consume' }, ...act },
    ])
  })

  test.each([
    { given: ['h-1', 'h-2'], filter: { ids: ['h-1', 'h-2'] } },
    { given: ['--group', 'f00'], filter: { fingerprint: 'f00' } },
    { given: ['--type', 'TASK_CREATED', '--tenant', 'acme'], filter: { type: 'TASK_CREATED', tenant: 'acme' } },
    { given: ['--where', 'event.task.index > 2'], filter: { where: 'event.task.index > 2' } },
    { given: ['--queue', 'process_consume', '--all'], filter: { queue: 'process_consume' }, all: true },
    { given: ['--all'], filter: {}, all: true },
  ])('$given chooses $filter', async ({ given, ...chosen }) => {
    await using api = await fakeApi(dryOr('discard'))

    const { code } = await runEbs(['dead', 'discard', ...given, '--yes', '--reason', 'x'], api)

    expect(code).toBe(0)
    expect(api.posted('/api/dead/discard')).toEqual([{ ...chosen, actor: 'ann@desk', reason: 'x' }])
  })

  test.each([
    { given: [], says: '--all means every dead message' },
    { given: ['h-1', '--all'], says: 'contradict' },
    { given: ['--queue', ''], says: '--queue: some text is needed' },
    { given: ['h-1', '--canary', '-1'], says: '--canary' },
    { given: ['h-1', '--canary', '1.5'], says: '"1.5" is not a whole number from 0 to 10000' },
    { given: ['h-1', '--max-failure', '101%'], says: '"101" is not a number from 0 to 100' },
    { given: ['h-1', '--rate', 'fast'], says: '"fast" is not a number' },
    { given: ['h-1', '--limit', '3'], says: 'unknown option' },
  ])('wrong usage $given: refused with 2, nothing is asked', async ({ given, says }) => {
    await using api = await fakeApi(dryOr('replay'))

    const { code, out, err } = await runEbs([...replay, ...given, '--yes'], api)

    expect({ code, out, asked: api.asked }).toEqual({ code: 2, out: '', asked: [] })
    expect(err).toContain(says)
  })

  test('without a reason refused with 2; --dry-run needs none', async () => {
    await using api = await fakeApi(dryOr('replay'))

    const refused = await runEbs(['dead', 'replay', 'h-1', '--yes'], api)
    const counted = await runEbs(['dead', 'replay', 'h-1', '--dry-run'], api)

    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining("--reason '...'") })
    expect(counted).toMatchObject({ code: 0 })
    expect(counted.out).toBe('200 messages would be replayed. 2 messages of them would need --force.\n')
    expect(api.posted('/api/dead/replay').map(({ dryRun }) => dryRun)).toEqual([true])
  })

  test.each(['replay', 'discard', 'archive'])('%s in a script needs --yes', async (act) => {
    await using api = await fakeApi(dryOr(act))

    const { code, err } = await runEbs(['dead', act, '--all', '--reason', 'x'], api)

    expect({ code, asked: api.asked }).toEqual({ code: 2, asked: [] })
    expect(err).toContain(`To ${act} messages needs a yes`)
  })

  test('nothing matches: said, 1, nobody is asked', async () => {
    await using api = await fakeApi(dryOr('discard', 0))

    const { code, err } = await runEbs(['dead', 'discard', '--all', '--reason', 'x'], {
      ...api,
      isTty: true,
      typed: 'y\n',
    })

    expect(code).toBe(1)
    expect(err).toBe('No message matches: nothing was done.\n')
    expect(api.posted('/api/dead/discard')).toHaveLength(1)
  })

  test('archived messages are counted as what was moved', async () => {
    await using api = await fakeApi(dryOr('archive', 1))

    const { code, out } = await runEbs(['dead', 'archive', 'h-1', '--yes', '--reason', 'x'], api)

    expect({ code, out }).toEqual({ code: 0, out: 'The archive r-7 is completed: 1 archived of 1 message.\n' })
  })

  test.each([
    { end: { dead: 3, handled: 197 }, says: '197 handled, 3 dead again', hint: 'ebs replay messages r-7 --state dead' },
    { end: { parked: 3, handled: 197 }, says: '197 handled, 3 set aside again', hint: 'ebs replay messages r-7' },
    { end: { moved: 198, handled: 198 }, says: '198 handled, 2 not there any more', hint: '' },
    { end: { status: 'cancelled', moved: 50, handled: 50 }, says: 'is cancelled: 50 handled', hint: '' },
    { end: { status: 'paused', moved: 50, handled: 50 }, says: 'is paused: 50 handled', hint: 'ebs replay resume r-7' },
    { end: { status: 'stopped', dead: 9, stopReason: '9 of 10 failed' }, says: 'is stopped', hint: '9 of 10 failed' },
  ])('a job that ends with $end exits with 4', async ({ end, says, hint }) => {
    await using api = await fakeApi({ ...dryOr('replay'), 'GET /api/replays/r-7': { json: { ...job, ...end } } })

    const { code, out, err } = await runEbs([...replay, '--all', '--yes'], api)

    expect(code).toBe(4)
    expect(out).toContain(says)
    expect(err).toContain(hint)
  })

  test('in json: the answer with the job; without waiting the answer alone', async () => {
    await using api = await fakeApi(dryOr('replay'))

    const waited = await runEbs([...replay, 'h-1', '--yes', '-o', 'json'], api)
    const left = await runEbs(['-o', 'json', ...replay, 'h-1', '--yes', '--no-wait'], api)

    expect(JSON.parse(waited.out)).toEqual({ replay: 'r-7', count: 200, job })
    expect(JSON.parse(left.out)).toEqual({ replay: 'r-7', count: 200 })
    expect(left.err).toContain('ebs replay watch r-7')
  })
})
