import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fakeApi } from '../../cli/test/fake-api.ts'
import { runEbs } from '../../cli/test/fake-terminal.ts'
import { temporaryFolder } from '../../test/temporary-folder.ts'

const activities = {
  reserve: { activity: 'reserve', compensate: { activity: 'release' } },
  ship: { activity: 'ship', after: ['reserve'], when: 'payload.post', timeout: '5s', retry: { retries: 7 } },
}
const document = { type: 'trip', version: 2, deadline: '10m', activities }
const registered = {
  ...{ type: 'trip', version: 2, registeredAt: '2026-03-01T11:00:00.000Z', actor: 'ann', reason: 'new' },
  ...{ steps: ['reserve', 'ship'], document },
}

/** A folder with these files; gives their paths. */
function files(contents: Readonly<Record<string, unknown>>) {
  const folder = temporaryFolder()
  const paths = Object.entries(contents).map(([name, content]) => {
    const path = join(folder.path, name)
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
    return path
  })
  return { paths, [Symbol.dispose]: () => folder[Symbol.dispose]() }
}

describe('definition register', () => {
  test('sends each document as it is, with who and why beside it', async () => {
    using given = files({ 'a.json': document, 'b.json': { ...document, version: 3 } })
    await using api = await fakeApi({
      'POST /api/definitions': [
        { status: 201, json: { type: 'trip', version: 2, warnings: ['nobody consumes ship yet'] } },
        { status: 200, json: { type: 'trip', version: 3, warnings: [] } },
      ],
    })

    const { code, out, err } = await runEbs(['definition', 'register', ...given.paths, '--reason', 'für Müller'], api)

    expect(code).toBe(0)
    expect(out).toMatch(/a\.json +trip +2 {2}registered\n.*b\.json +trip +3 {2}same\n$/)
    expect(err).toBe(`${given.paths[0]}: warning: nobody consumes ship yet\n`)
    expect(api.asked.map(({ body }) => body)).toEqual([document, { ...document, version: 3 }])
    const { 'x-ebs-actor': actor, 'x-ebs-reason': reason } = api.asked[0]?.headers ?? {}
    expect(actor).toBe('ann@desk')
    expect(Buffer.from(String(reason), 'latin1').toString()).toBe('für Müller')
  })

  test('one that is refused does not hold up the others: 4, and every fault; all refused: 2', async () => {
    using given = files({ 'a.json': document, 'b.json': document })
    const errors = [{ field: 'activities.ship.when', message: 'no such function' }]
    const refused = { status: 422, json: { detail: 'The definition has one fault.', errors } }
    await using api = await fakeApi({
      'POST /api/definitions': [refused, { status: 201, json: { type: 'trip', version: 2 } }, refused],
    })

    const some = await runEbs(['definition', 'register', ...given.paths], api)
    const all = await runEbs(['definition', 'register', given.paths[0] ?? ''], api)

    expect(some.code).toBe(4)
    expect(some.out).toMatch(/a\.json +- +- {2}refused\n.*b\.json +trip +2 {2}registered\n$/)
    expect(some.err).toContain('a.json: The definition has one fault.\n  activities.ship.when: no such function\n')
    expect(all.code).toBe(2)
    expect(api.asked[0]?.headers['x-ebs-reason']).toBe('a.json')
  })

  test('what is no JSON, or not there, is told before anything is registered', async () => {
    using given = files({ 'a.json': document, 'b.json': '{"type": ' })
    await using api = await fakeApi({})

    const broken = await runEbs(['definition', 'register', ...given.paths], api)
    const missing = await runEbs(['definition', 'register', given.paths[0] ?? '', '/nowhere.json'], api)

    expect(broken).toMatchObject({ code: 2, out: '', err: expect.stringContaining('b.json is not JSON') })
    expect(missing).toMatchObject({ code: 2, out: '', err: expect.stringContaining('/nowhere.json cannot be read') })
    expect(api.asked).toEqual([])
  })
})

test('definition check tells here what is wrong, and asks no hub', async () => {
  using given = files({
    'good.json': document,
    'bad.json': { ...document, activities: { a: { activity: 'a', after: ['a'] } } },
  })
  const [good = '', bad = ''] = given.paths

  expect(await runEbs(['definition', 'check', good])).toMatchObject({ code: 0, out: expect.stringContaining('good') })
  const { code, out, err } = await runEbs(['definition', 'check', bad])
  expect({ code, out }).toMatchObject({ code: 2, out: expect.stringMatching(/bad\.json +- +- {2}bad\n$/) })
  expect(err).toBe(`${bad}: activities.a.after: a step cannot wait for itself\n`)
  expect(await runEbs(['definition', 'check', good, bad, '-o', 'json'])).toMatchObject({ code: 4, err: '' })
})

describe('definition show', () => {
  test('draws the steps and tells how each is done', async () => {
    await using api = await fakeApi({ 'GET /api/definitions/trip': { json: registered } })

    const { code, out } = await runEbs(['definition', 'show', 'trip'], api)

    expect(code).toBe(0)
    expect(out).toMatch(/deadline +10m\nonFailure +remediate\n/)
    expect(out.slice(out.indexOf('steps\n'))).toBe(
      [
        'steps',
        '  ○ reserve',
        '  │',
        '  ◇ ship (when)',
        '',
        '  STEP     ACTIVITY  TIMEOUT  RETRIES  UNDONE BY  AFTER    WHEN          INPUT',
        '  reserve  reserve       30s        2  release    -        -             -',
        '  ship     ship           5s        7  -          reserve  payload.post  -',
        '',
      ].join('\n'),
    )
  })

  test('of a version when one is named; in json as the API says it', async () => {
    await using api = await fakeApi({ 'GET /api/definitions/trip/2': { json: registered } })

    const { out } = await runEbs(['definition', 'show', 'trip', '--version', '2', '-o', 'json'], api)

    expect(JSON.parse(out)).toEqual(registered)
    expect(await runEbs(['definition', 'show', 'trip', '--version', '3'], api)).toMatchObject({ code: 3 })
  })

  test('a document that cannot be read here is told, and json has it', async () => {
    const strange = { ...registered, document: { ...document, since: 'tomorrow' } }
    await using api = await fakeApi({ 'GET /api/definitions/trip': { json: strange } })

    const table = await runEbs(['definition', 'show', 'trip'], api)

    expect(table).toMatchObject({ code: 1, out: '', err: expect.stringContaining('since') })
    expect(await runEbs(['definition', 'show', 'trip', '-o', 'json'], api)).toMatchObject({ code: 0 })
  })
})

test('definition diff shows both sides of each difference, and says so when there is none', async () => {
  const differences = [
    { field: 'deadline', from: '1m', to: '2m' },
    { field: 'activities.ship', to: { activity: 'ship' } },
  ]
  await using api = await fakeApi({
    'GET /api/definitions/trip/diff': [
      { json: { type: 'trip', from: 1, to: 2, differences } },
      { json: { differences: [] } },
    ],
  })

  const some = await runEbs(['definition', 'diff', 'trip', '1', '2'], api)
  const none = await runEbs(['definition', 'diff', 'trip', '2', '2'], api)

  expect(some.out).toBe(
    'FIELD            FROM  TO\ndeadline         1m    2m\nactivities.ship  -     {"activity":"ship"}\n',
  )
  expect(none).toMatchObject({ code: 0, out: '', err: 'Versions 2 and 2 of trip say the same.\n' })
  expect(api.asked[0]?.query).toEqual({ from: '1', to: '2' })
  expect(await runEbs(['definition', 'diff', 'trip', 'one', '2'], api)).toMatchObject({ code: 2, out: '' })
})

test('definition schema is a JSON Schema, for editors', async () => {
  const { code, out } = await runEbs(['definition', 'schema'])

  expect(code).toBe(0)
  expect(JSON.parse(out)).toMatchObject({ type: 'object', required: expect.arrayContaining(['type', 'version']) })
})

test('definition mermaid draws what is registered', async () => {
  await using api = await fakeApi({ 'GET /api/definitions/trip': { json: registered } })

  const { out } = await runEbs(['definition', 'mermaid', 'trip'], api)

  expect(out).toMatch(/^flowchart TD\n(.+\n)+$/)
  expect(out).toContain('s0 -. undo .-> s0u(["release"])')
})
