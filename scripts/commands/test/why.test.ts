import { describe, expect, test } from 'vitest'
import { fakeApi } from '../../cli/test/fake-api.ts'
import { runEbs } from '../../cli/test/fake-terminal.ts'

const told = {
  id: 'o.1',
  kind: 'task',
  state: 'retrying',
  summary: 'The task o.1 failed in attempt 2 (no disk) and is tried again at 2026-03-01T12:00:05.000Z.',
  where: { queue: 'process_consume', ahead: 7 },
  waitsFor: { what: 'its delay before attempt 3', until: '2026-03-01T12:00:05.000Z' },
  next: { what: 'attempt 3', at: '2026-03-01T12:00:05.000Z' },
  commands: [{ command: "ebs sideline resolve r --reason '…'", does: 'ends the rule' }],
  trace: '4bf92f3577b34da6a3ce929d0e0e4736',
  timeline: [
    { at: '2026-03-01T11:59:00.000Z', what: 'the task was announced', by: 'distributor' },
    { at: '2026-03-01T12:00:00.000Z', what: 'attempt 2 failed', detail: 'no disk' },
  ],
  timelineLeftOut: 1,
  related: [{ kind: 'object', id: 'o', state: 'open', why: 'the task is a part of it' }],
  missing: ['datagen did not answer within 2 s'],
}
const unknown = { ...told, kind: 'unknown', state: 'unknown', commands: [], timeline: [], related: [], missing: [] }

test('why says what it is, where, what comes, what happened when, and what would move it', async () => {
  await using api = await fakeApi({ 'GET /api/why/o.1': { json: told } })

  const { code, out } = await runEbs(['why', 'o.1'], api)

  expect(code).toBe(0)
  expect(out).toBe(
    [
      'task o.1  retrying',
      told.summary,
      '',
      'where      queue process_consume, ahead 7',
      'waits for  its delay before attempt 3, until 2026-03-01T12:00:05.000Z (in 5s)',
      'next       attempt 3, at 2026-03-01T12:00:05.000Z (in 5s)',
      'trace      4bf92f3577b34da6a3ce929d0e0e4736',
      '',
      'timeline (1 older line left out)',
      '  AT                            AGO  WHAT                    BY           DETAIL',
      '  2026-03-01T11:59:00.000Z  60s ago  the task was announced  distributor  -',
      '  2026-03-01T12:00:00.000Z   0s ago  attempt 2 failed        -            no disk',
      '',
      'related',
      '  KIND    ID  STATE  WHY',
      '  object  o   open   the task is a part of it',
      '',
      'what would move it',
      "  ebs sideline resolve r --reason '…'",
      '    ends the rule',
      '',
      'missing',
      '  datagen did not answer within 2 s',
      '',
    ].join('\n'),
  )
})

test('programs get the answer as it came', async () => {
  await using api = await fakeApi({ 'GET /api/why/o.1': { json: told } })

  const { code, out } = await runEbs(['why', 'o.1', '-o', 'json'], api)

  expect({ code, answer: JSON.parse(out) }).toEqual({ code: 0, answer: told })
})

describe('what nobody knows exits with 3', () => {
  test.each([{ more: [] }, { more: ['-o', 'json'] }])(
    'and says what may have become of it: $more',
    async ({ more }) => {
      await using api = await fakeApi({ 'GET /api/why/a%20b%2Fc': { json: unknown } })

      const { code, out, err } = await runEbs(['why', 'a b/c', ...more], api)

      expect({ code, err }).toEqual({ code: 3, err: '' })
      expect(out).toContain(unknown.summary)
    },
  )
})

test('--watch asks again and again', async () => {
  let press = () => {}
  await using api = await fakeApi({
    'GET /api/why/o.1': (_asked) => {
      if (api.asked.length >= 3) press()
      return { json: told }
    },
  })

  const { code } = await runEbs(['why', 'o.1', '--watch', '-o', 'json'], {
    ...api,
    onRunning: (pressCtrlC) => {
      press = pressCtrlC
    },
  })

  expect(code).toBe(0)
  expect(api.asked.length).toBeGreaterThanOrEqual(3)
})

test('what a stranger wrote does no harm to a terminal', async () => {
  await using api = await fakeApi({ 'GET /api/why/x': { json: { ...told, summary: 'a\u001b[2Jb\nc' } } })

  const { out } = await runEbs(['why', 'x'], api)

  expect(out).not.toContain('\u001b')
  expect(out).toContain('b c')
})
