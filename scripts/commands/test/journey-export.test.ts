import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Asked, fakeApi } from '../../cli/test/fake-api.ts'
import { runEbs } from '../../cli/test/fake-terminal.ts'
import { temporaryFolder } from '../../test/temporary-folder.ts'

type Ended = { readonly id: string; readonly endedAt: string }
const at = (second: number) => new Date(Date.parse('2026-03-01T00:00:00Z') + second * 1_000).toISOString()
const ended = (id: string, second: number): Ended => ({ id, endedAt: at(second) })

/** A hub with these journeys, which gives at most three at once. */
const hubWith = (journeys: readonly Ended[]) => {
  const pages = ({ query }: Asked) => {
    const from = Number(query.cursor ?? 0)
    const behind = journeys.filter(({ endedAt }) => endedAt >= (query.since ?? ''))
    const to = from + Math.min(3, Number(query.limit))
    return { json: { items: behind.slice(from, to), ...(to < behind.length && { next: String(to) }) } }
  }
  return fakeApi({ 'GET /api/journeys/export': pages })
}
const idsIn = (out: string) =>
  out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line).id)
const exporting = ['journey', 'export']

test('writes every journey that has ended, page after page, a line each', async () => {
  await using api = await hubWith(Array.from({ length: 8 }, (_, i) => ended(`j${i}`, i)))

  const { code, out, err } = await runEbs([...exporting, '--since', '1d', '-o', 'ndjson'], { ...api, isTty: true })

  expect(code).toBe(0)
  expect(out.split('\n')[0]).toBe(`{"id":"j0","endedAt":"${at(0)}"}`)
  expect(idsIn(out)).toEqual(['j0', 'j1', 'j2', 'j3', 'j4', 'j5', 'j6', 'j7'])
  expect(api.asked.map(({ query }) => query.since)).toEqual(Array(3).fill('2026-02-28T12:00:00.000Z'))
  expect(err).toBe(`8 journeys written. To go on: ebs journey export --since ${at(7)}\n`)
})

test('--limit ends it with the cursor that goes on', async () => {
  await using api = await hubWith(Array.from({ length: 8 }, (_, i) => ended(`j${i}`, i)))

  const first = await runEbs([...exporting, '--since', at(0), '--limit', '5'], api)
  const rest = await runEbs([...exporting, '--since', at(0), '--cursor', '5'], api)

  expect(idsIn(first.out)).toEqual(['j0', 'j1', 'j2', 'j3', 'j4'])
  expect(first.err).toContain(`ebs journey export --since ${at(0)} --cursor '5'`)
  expect(idsIn(rest.out)).toEqual(['j5', 'j6', 'j7'])
})

describe('--state', () => {
  test('the next run goes on where the last ended: nothing twice, nothing left out, of one millisecond too', async () => {
    using folder = temporaryFolder()
    const state = join(folder.path, 'export.json')
    const before = [ended('a', 1), ended('b', 2), ended('c', 2), ended('d', 2)]
    const run = async (journeys: readonly Ended[]) => {
      await using api = await hubWith(journeys)
      return idsIn((await runEbs([...exporting, '--since', at(0), '--state', state], api)).out)
    }

    const runs = [
      await run(before),
      await run(before),
      await run([...before, ended('e', 2), ended('f', 3)]),
      await run([...before, ended('e', 2), ended('f', 3), ended('g', 3)]),
      await run([...before, ended('e', 2), ended('f', 3), ended('g', 3)]),
    ]

    expect(runs).toEqual([['a', 'b', 'c', 'd'], [], ['e', 'f'], ['g'], []])
  })

  test('an export that breaks off goes on behind the last page that was written', async () => {
    using folder = temporaryFolder()
    const state = join(folder.path, 'export.json')
    const journeys = Array.from({ length: 8 }, (_, i) => ended(`j${i}`, i))
    await using hub = await hubWith(journeys)
    await using broken = await fakeApi({
      'GET /api/journeys/export': [
        { json: { items: journeys.slice(0, 3), next: '3' } },
        { status: 503, json: { detail: 'The hub is stopping.' } },
      ],
    })

    const first = await runEbs([...exporting, '--state', state], broken)
    const second = await runEbs([...exporting, '--state', state], hub)

    expect(first).toMatchObject({
      code: 1,
      err: expect.stringContaining('3 journeys written. To go on: the same command'),
    })
    expect([...idsIn(first.out), ...idsIn(second.out)]).toEqual(journeys.map(({ id }) => id))
  })

  test('a file that is something else is left alone', async () => {
    using folder = temporaryFolder()
    const state = join(folder.path, 'package.json')
    writeFileSync(state, '{"name":"mine"}')
    await using api = await hubWith([ended('a', 1)])

    const { code, out, err } = await runEbs([...exporting, '--state', state], api)

    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain('was not written by an export')
    expect(readFileSync(state, 'utf8')).toBe('{"name":"mine"}')
  })
})

test.each([
  { args: ['-o', 'json'], says: 'An export is ndjson' },
  { args: ['--state', 'f', '--cursor', 'c'], says: '--state and --cursor contradict each other' },
  { args: ['--since', 'yesterday'], says: '"yesterday" is no length of time' },
  { args: ['--limit', '0'], says: '--limit: "0" is not a whole number' },
])('wrong usage $args: refused with 2, nothing is asked', async ({ args, says }) => {
  await using api = await hubWith([])

  const { code, out, err } = await runEbs([...exporting, ...args], api)

  expect({ code, out, asked: api.asked }).toEqual({ code: 2, out: '', asked: [] })
  expect(err).toContain(says)
})
