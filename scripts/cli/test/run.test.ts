import { describe, expect, test } from 'vitest'
import { closedUrl, fakeApi } from './fake-api.ts'
import { runEbs } from './fake-terminal.ts'

describe('wrong usage exits with 2, and stdout stays empty', () => {
  test.each([
    { argv: [], says: 'Usage: ebs <noun> <verb>' },
    { argv: ['voyage', 'list'], says: "unknown command 'voyage'" },
    { argv: ['dead'], says: 'Usage: ebs dead' },
    { argv: ['dead', 'resurrect'], says: "unknown command 'resurrect'" },
    { argv: ['sideline', 'start', '--where', 'true'], says: "missing required argument 'id'" },
    { argv: ['sideline', 'start', 'x', '--reason', 'y'], says: "required option '--where <cel>' not specified" },
    { argv: ['group', 'cancel', 'lunch'], says: "required option '--reason <text>' not specified" },
    { argv: ['group', 'list', 'extra'], says: 'too many arguments' },
    { argv: ['group', 'list', '--limit', '0'], says: '--limit: "0" is not a whole number from 1 to 100000' },
    { argv: ['group', 'list', '--older', '10'], says: '--older: "10" is no length of time' },
    { argv: ['group', 'list', '-o', 'yaml'], says: 'Allowed choices are table, json, ndjson' },
    { argv: ['group', 'list', '--url', 'localhost'], says: '"localhost" does not begin with http://' },
    { argv: ['group', 'cancel', 'lunch', '--reason', ' '], says: '--reason: some text is needed' },
  ])('$argv', async ({ argv, says }) => {
    const { code, out, err } = await runEbs(argv)

    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(says)
  })
})

test.each([['--help'], ['sideline', '--help'], ['help', 'dead'], ['dead', 'replay', '-h']])(
  'help is an answer: on stdout, exits with 0 (%s)',
  async (...argv) => {
    const { code, out, err } = await runEbs(argv)

    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/^Usage: ebs/)
  },
)

describe('a service that is away', () => {
  test.each([
    {
      argv: ['sideline', 'list'],
      says: /^The hub does not answer at \S+ \(.*ECONNREFUSED.*\): sideline rules hold but cannot change/,
    },
    { argv: ['object', 'list', '-o', 'json'], says: /^The datagen does not answer/ },
    { argv: ['flow', 'start', '--length', '1'], says: /^The gateway does not answer/ },
  ])('$argv: one sentence on stderr, exits with 1', async ({ argv, says }) => {
    const { code, out, err } = await runEbs(argv, { url: await closedUrl() })

    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toMatch(says)
    expect(err.trim().split('\n')).toHaveLength(1)
  })

  test('a stranger on its port is not taken for it', async () => {
    await using api = await fakeApi({ 'GET /api/groups': { text: '<html>hello</html>' } })

    const { code, err } = await runEbs(['group', 'list'], api)

    expect(code).toBe(1)
    expect(err).toContain('is not the hub of this version of ebs')
  })

  test.each(['nothing', '<html>gone</html>'])('an error without a problem (%s) names its status', async (text) => {
    await using api = await fakeApi({ 'GET /api/groups': { status: 502, text } })

    expect(await runEbs(['group', 'list'], api)).toMatchObject({ code: 1, err: 'The answer was 502 Bad Gateway.\n' })
  })
})

describe('no password is shown', () => {
  test.each(['http://ann:geheim@127.0.0.1:9', 'http://geheim@127.0.0.1:9', 'ftp://ann:geheim@127.0.0.1:9'])(
    'of --url %s',
    async (url) => {
      const { code, err } = await runEbs(['group', 'list', '--url', url])

      expect(code).toBe(2)
      expect(err).toContain('://***@127.0.0.1:9')
      expect(err).not.toContain('geheim')
    },
  )

  test('of an address that came some other way', async () => {
    const { code, err } = await runEbs(['group', 'list'], { url: 'http://ann:geheim@127.0.0.1:9' })

    expect(code).toBe(1)
    expect(err).toContain('ann:***@')
    expect(err).not.toContain('geheim')
  })
})

describe('a token that goes to another machine over plain HTTP', () => {
  test.each([
    ['http://192.0.2.1.invalid:9', 1],
    ['https://hub.invalid:9', 0],
    ['http://127.0.0.1:9', 0],
    ['http://[::1]:9', 0],
    ['http://localhost:9', 0],
  ])('to %s is warned of %i times, and never shown', async (url, count) => {
    const { err } = await runEbs(['status'], { url, config: { token: 'geheim' } })

    expect(err.match(/EBS_TOKEN goes to \S+ unencrypted/g) ?? []).toHaveLength(count)
    expect(err).not.toContain('geheim')
  })

  test('is none where there is no token', async () => {
    const { err } = await runEbs(['group', 'list'], { url: 'http://hub.invalid:9' })

    expect(err).not.toContain('unencrypted')
  })
})

test('--url goes before the environment, and may have a path', async () => {
  await using api = await fakeApi({ 'GET /proxied/hub/api/groups': { json: { items: [] } } })

  const { code } = await runEbs(['group', 'list', '--url', `${api.url}/proxied/hub/`], { url: await closedUrl() })

  expect(code).toBe(0)
})

describe('--watch', () => {
  const page = (id: string) => ({ json: { items: [{ id, status: 'open', tenant: null }] } })

  test('on a terminal each look is a page of its own, until Ctrl-C, which is no failure', async () => {
    let press = () => {}
    await using api = await fakeApi({
      'GET /api/groups': (() => {
        let looks = 0
        return () => {
          if (++looks === 3) press()
          return page(`lunch-${looks}`)
        }
      })(),
    })

    const onRunning = (pressCtrlC: () => void) => {
      press = pressCtrlC
    }
    const { code, out, listening } = await runEbs(['group', 'list', '--watch'], { ...api, isTty: true, onRunning })

    expect({ code, listening }).toEqual({ code: 0, listening: 0 })
    const pages = out.split('\u001b[2J\u001b[H').slice(1)
    expect(pages.map((text) => /lunch-\d/.exec(text)?.[0])).toEqual(['lunch-1', 'lunch-2', 'lunch-3'])
  })

  test('in json each look is one line; a service that is away for a while is waited for', async () => {
    let press = () => {}
    await using api = await fakeApi({
      'GET /api/groups': (() => {
        let looks = 0
        return () => {
          if (++looks === 3) press()
          return looks === 2 ? { status: 200, text: 'not json' } : page(`lunch-${looks}`)
        }
      })(),
    })

    const onRunning = (pressCtrlC: () => void) => {
      press = pressCtrlC
    }
    const { out, err } = await runEbs(['group', 'list', '--watch', '-o', 'json'], { ...api, onRunning })

    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toMatchObject([{ items: [{ id: 'lunch-1' }] }, { items: [{ id: 'lunch-3' }] }])
    expect(err).toContain('is not the hub')
  })
})
