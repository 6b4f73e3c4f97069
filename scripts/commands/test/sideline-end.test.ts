import { describe, expect, test } from 'vitest'
import { fakeApi } from '../../cli/test/fake-api.ts'
import { runEbs } from '../../cli/test/fake-terminal.ts'

const rule = {
  ...{ id: 'acme-down', status: 'active', filter: 'tenant == "acme"', queues: ['process_consume'], actor: 'ann' },
  ...{
    reason: 'down',
    since: '2026-03-01T11:00:00Z',
    parked: 200,
    parkedByQueue: { process_consume: 200 },
    missing: [],
  },
}
const job = {
  ...{ id: 'acme-down-1', act: 'replay', status: 'completed', phase: 'ramp', total: 200, moved: 200, handled: 200 },
  ...{ failed: 0, dead: 0, parked: 0, pending: 0 },
}
describe('sideline resolve', () => {
  const resolve = ['sideline', 'resolve', 'acme-down', '--reason', 'back']
  const ending = {
    'POST /api/sidelines/acme-down/resolve': {
      status: 202,
      json: { id: 'acme-down', status: 'resolving', parked: 200, replay: job.id },
    },
    'GET /api/sidelines/acme-down': [
      { json: rule },
      { json: { ...rule, status: 'resolving', replay: job.id } },
      { json: { ...rule, status: 'closed', parked: 0 } },
    ],
    'GET /api/replays/acme-down-1': [{ json: { ...job, status: 'running', handled: 20, moved: 30 } }, { json: job }],
  }

  test('asks with the count, sends the pacing, follows the job until the rule is closed', async () => {
    await using api = await fakeApi(ending)

    const pacing = ['--canary', '5', '--rate', '50', '--max-failure', '2.5%', '--ordered']
    const { code, out, err } = await runEbs([...resolve, ...pacing], { ...api, isTty: true, typed: 'y\n' })

    expect(code).toBe(0)
    expect(err).toContain('Resolve acme-down and replay 200 messages? [y/N]')
    expect(out).toBe('The replay acme-down-1 is completed: 200 handled of 200 messages.\nacme-down is closed.\n')
    expect(api.posted('/api/sidelines/acme-down/resolve')).toEqual([
      { actor: 'ann@desk', reason: 'back', canary: 5, rate: 50, maxFailure: 2.5, ordered: true },
    ])
  })

  test.each(['n\n', '\n', '', 'yes, please\n'])('the answer %j does nothing, exits with 1', async (typed) => {
    await using api = await fakeApi(ending)

    const { code, err } = await runEbs(resolve, { ...api, isTty: true, typed })

    expect(code).toBe(1)
    expect(err).toContain('Nothing was done.')
    expect(api.posted('/api/sidelines/acme-down/resolve')).toEqual([])
  })

  test('resolve in a script needs no --yes: it drops nothing', async () => {
    await using api = await fakeApi(ending)

    const { code } = await runEbs([...resolve, '--no-wait'], api)

    expect(code).toBe(0)
    expect(api.posted('/api/sidelines/acme-down/resolve')).toHaveLength(1)
  })

  test('discard in a script needs --yes: refused with 2 and nothing is asked', async () => {
    await using api = await fakeApi(ending)

    const { code, err } = await runEbs(['sideline', 'discard', 'acme-down', '--reason', 'back'], api)

    expect(code).toBe(2)
    expect(err).toContain('Add --yes')
    expect(api.asked).toEqual([])
  })

  test('--dry-run counts and does nothing', async () => {
    await using api = await fakeApi(ending)

    const { code, out } = await runEbs(['sideline', 'resolve', 'acme-down', '--dry-run'], api)

    expect({ code, out }).toEqual({ code: 0, out: '200 messages would be replayed; acme-down is active.\n' })
    expect(api.asked.map(({ method }) => method)).toEqual(['GET'])
  })

  test('--no-wait says how to follow it', async () => {
    await using api = await fakeApi(ending)

    const { code, out, err } = await runEbs([...resolve, '--yes', '--no-wait'], api)

    expect({ code, out }).toEqual({ code: 0, out: 'acme-down is resolving.\n' })
    expect(err).toContain('ebs replay watch acme-down-1')
    expect(api.asked.map(({ method }) => method)).toEqual(['POST'])
  })

  test('a job that stops by itself ends it with 4 and says how to look at the failures and go on', async () => {
    const stopped = {
      ...job,
      status: 'stopped',
      handled: 7,
      dead: 3,
      failed: 3,
      moved: 10,
      stopReason: '3 of 10 failed',
    }
    await using api = await fakeApi({
      ...ending,
      'GET /api/sidelines/acme-down': { json: { ...rule, status: 'resolving', replay: job.id } },
      'GET /api/replays/acme-down-1': { json: stopped },
    })

    const { code, out, err } = await runEbs([...resolve, '--yes'], api)

    expect(code).toBe(4)
    expect(out).toContain('7 handled, 3 dead again of 200 messages')
    for (const words of [
      '3 of 10 failed',
      'ebs replay messages acme-down-1 --state dead',
      'ebs replay resume acme-down-1',
    ])
      expect(err).toContain(words)
  })

  test('a job that had stopped before and is put away does not end it', async () => {
    await using api = await fakeApi({
      ...ending,
      'GET /api/sidelines/acme-down': [
        { json: { ...rule, status: 'resolving', replay: 'acme-down-0' } },
        { json: { ...rule, status: 'resolving', replay: job.id } },
        { json: { ...rule, status: 'closed', parked: 0 } },
      ],
      'GET /api/replays/acme-down-0': { json: { ...job, id: 'acme-down-0', status: 'stopped' } },
    })

    const { out } = await runEbs([...resolve, '--yes'], api)

    expect(out).toContain('acme-down is closed.')
  })

  test('a rule that waits for somebody ends it with 4', async () => {
    const waiting = { ...rule, status: 'resolving', waitsFor: 'somebody to act: the count failed' }
    await using api = await fakeApi({
      'POST /api/sidelines/acme-down/resolve': {
        status: 202,
        json: { id: 'acme-down', status: 'resolving', parked: 0 },
      },
      'GET /api/sidelines/acme-down': { json: waiting },
    })

    const { code, err } = await runEbs([...resolve, '--yes'], api)

    expect(code).toBe(4)
    expect(err).toContain('the count failed')
  })

  test('nothing was set aside: closed at once, 0', async () => {
    await using api = await fakeApi({
      'POST /api/sidelines/acme-down/resolve': { status: 202, json: { id: 'acme-down', status: 'closed', parked: 0 } },
      'GET /api/sidelines/acme-down': { json: { ...rule, parked: 0, status: 'closed' } },
    })

    const { code, out } = await runEbs(resolve, { ...api, isTty: true })

    expect({ code, out }).toEqual({ code: 0, out: 'Nothing was set aside.\nacme-down is closed.\n' })
  })

  test('in json stdout is one document: the answer, the status in the end, and the jobs', async () => {
    await using api = await fakeApi({
      ...ending,
      'GET /api/sidelines/acme-down': { json: { ...rule, status: 'closed' } },
    })

    const { code, out } = await runEbs([...resolve, '--yes', '-o', 'json'], api)

    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ id: 'acme-down', status: 'closed', replay: job.id, jobs: [{ id: job.id }] })
  })
})

test('sideline resume asks nothing, sends its canary and leaves the rule active', async () => {
  await using api = await fakeApi({
    'POST /api/sidelines/acme-down/resume': {
      status: 202,
      json: { id: 'acme-down', status: 'resuming', parked: 200, replay: job.id },
    },
    'GET /api/sidelines/acme-down': [{ json: { ...rule, status: 'resuming', replay: job.id } }, { json: rule }],
    'GET /api/replays/acme-down-1': { json: job },
  })

  const { code, out } = await runEbs(
    ['sideline', 'resume', 'acme-down', '--canary', '1', '--reason', 'is it back?'],
    api,
  )

  expect(code).toBe(0)
  expect(out).toContain('acme-down is active.')
  expect(api.posted('/api/sidelines/acme-down/resume')).toEqual([
    { actor: 'ann@desk', reason: 'is it back?', canary: 1 },
  ])
})

test('sideline discard takes no pacing', async () => {
  const { code, err } = await runEbs(['sideline', 'discard', 'acme-down', '--canary', '1', '--reason', 'x'])

  expect(code).toBe(2)
  expect(err).toContain("unknown option '--canary'")
})
