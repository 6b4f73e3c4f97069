import { describe, expect, test } from 'vitest'
import { fakeApi, type Told } from './fake-api.ts'
import { NOW_MS, runEbs } from './fake-terminal.ts'

const job = (over: object) => ({
  json: {
    ...{ id: 'r-7', act: 'replay', status: 'running', phase: 'canary', total: 200, moved: 0, handled: 0, failed: 0 },
    ...{ dead: 0, parked: 0, pending: 0, ...over },
  },
})
const steps: readonly Told[] = [
  job({ moved: 10, handled: 4 }),
  job({ moved: 120, handled: 90, failed: 2, phase: 'ramp' }),
  job({ moved: 200, handled: 200, failed: 2, phase: 'ramp', status: 'completed' }),
]
/** A clock that is a second later each time it is asked. */
const ticking = () => {
  let ms = NOW_MS
  return () => {
    ms += 1_000
    return ms
  }
}
const watch = ['replay', 'watch', 'r-7']

describe('progress of a job', () => {
  test('on a terminal a bar on stderr with released, handled, failed, rate and eta; the result on stdout', async () => {
    await using api = await fakeApi({ 'GET /api/replays/r-7': steps })

    const { code, out, err } = await runEbs(watch, { ...api, isTty: true, now: ticking() })

    expect(code).toBe(0)
    expect(out).toBe('The replay r-7 is completed: 200 handled of 200 messages.\n')
    expect(err).toMatch(/replay ░{16} 2% 4\/200 {2}10 released {2}4 handled {2}0 failed/)
    expect(err).toMatch(/replay █{16} 100% 200\/200 {2}200 released {2}200 handled {2}2 failed {2}\d+\/s {2}eta 0s/)
  })

  test('elsewhere lines: at each change of phase, and not for each look', async () => {
    await using api = await fakeApi({
      'GET /api/replays/r-7': [
        job({ moved: 10, handled: 4 }),
        job({ moved: 10, handled: 5 }),
        job({ moved: 10, handled: 6 }),
        job({ moved: 120, handled: 90, failed: 2, phase: 'ramp' }),
        job({ moved: 200, handled: 200, failed: 2, phase: 'ramp', status: 'completed' }),
      ],
    })

    const { err } = await runEbs(watch, api)

    expect(err).toBe(
      [
        'replay r-7 (canary): 4/200  10 released  4 handled  0 failed',
        'replay r-7 (ramp): 90/200  120 released  90 handled  2 failed',
        'replay r-7 (ramp): 200/200  200 released  200 handled  2 failed',
        '',
      ].join('\n'),
    )
  })

  test('a line at least every five seconds when something has changed', async () => {
    const looks = Array.from({ length: 21 }, (_, i) => job({ moved: 100, handled: i }))
    await using api = await fakeApi({ 'GET /api/replays/r-7': [...looks, job({ status: 'completed' })] })

    const { err } = await runEbs(watch, { ...api, now: ticking() })

    const lines = err.split('\n').filter((line) => line.includes('(canary)'))
    expect(lines.length).toBeGreaterThanOrEqual(4)
    expect(lines.length).toBeLessThan(20)
    expect(err).toMatch(/\d+\/s {2}eta \d+[sm]/)
  })

  test('in json nothing but the job is on stdout', async () => {
    await using api = await fakeApi({ 'GET /api/replays/r-7': steps })

    const { out } = await runEbs([...watch, '-o', 'json'], { ...api, isTty: true })

    expect(JSON.parse(out)).toMatchObject({ job: { id: 'r-7', status: 'completed' } })
  })
})

test.each(['table', 'json'])('Ctrl-C leaves the job running and says how to watch it (%s)', async (output) => {
  let press = () => {}
  await using api = await fakeApi({
    'GET /api/replays/r-7': () => {
      press()
      return job({ moved: 10, handled: 4 })
    },
  })

  const onRunning = (pressCtrlC: () => void) => {
    press = pressCtrlC
  }
  const { code, out, err, listening } = await runEbs([...watch, '-o', output], { ...api, isTty: true, onRunning })

  expect({ code, listening }).toEqual({ code: 4, listening: 0 })
  expect(err).toContain('It goes on without you. Look again: ebs replay watch r-7')
  if (output === 'json') expect(JSON.parse(out)).toMatchObject({ job: { status: 'running', handled: 4 } })
  else expect(out).toBe('')
  expect(api.asked.map(({ method }) => method)).not.toContain('POST')
})

describe('a hub that is away while a job is followed', () => {
  const away = { status: 503, json: { detail: 'The hub is starting.' } }

  test('is waited for, said once, and the job is followed further', async () => {
    await using api = await fakeApi({ 'GET /api/replays/r-7': [steps[0] ?? {}, away, away, away, steps[2] ?? {}] })

    const { code, err } = await runEbs(watch, api)

    expect(code).toBe(0)
    expect(err.split('The hub is starting.')).toHaveLength(2)
  })

  test('is given up when it stays away for longer than a restart takes', async () => {
    await using api = await fakeApi({ 'GET /api/replays/r-7': away })

    const { code, err } = await runEbs(watch, { ...api, now: ticking() })

    expect(code).toBe(1)
    expect(err.trim().endsWith('The hub is starting.')).toBe(true)
    expect(api.asked.length).toBeGreaterThan(10)
  })

  test('an unknown job exits with 3', async () => {
    await using api = await fakeApi({})

    expect(await runEbs(watch, api)).toMatchObject({ code: 3, out: '' })
  })
})
