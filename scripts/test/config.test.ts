import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../shared/service/errors.ts'
import { readLoneService, readSetUpConfig } from '../config.ts'
import { fastFolder } from '../fast-folder.ts'
import { checkTestBroker, testEnvironment } from '../test-environment.ts'

const read = (env: Record<string, string>) => readSetUpConfig('/project', env)

function mistakesOf(job: () => unknown): readonly string[] {
  try {
    job()
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes.map(({ variable }) => variable)
    throw error
  }
  return []
}

describe('the configuration of the set-up scripts', () => {
  test('needs nothing', () => {
    const config = read({})

    expect(config).toMatchObject({ forced: undefined, amqpUrl: undefined, host: '127.0.0.1', dataDir: '/project/data' })
    expect(Object.fromEntries(config.services.map(({ name, port }) => [name, port]))).toEqual({
      datagen: 8000,
      distributor: 8083,
      gateway: 8080,
      hub: 8081,
      processor: 8084,
      statistics: 8082,
    })
  })

  test('takes QUEUE_URL for the url of the broker', () => {
    expect(read({ QUEUE_URL: '10.0.0.7:5673' }).amqpUrl).toBe('amqp://guest:guest@10.0.0.7:5673')
  })

  test('takes an empty variable as not set', () => {
    expect(read({ EBS_AMQP_URL: '', EBS_BROKER: ' ' })).toMatchObject({ amqpUrl: undefined, forced: undefined })
  })

  test('lists every mistake once', () => {
    const env = { EBS_BROKER: 'kafka', EBS_AMQP_URL: 'http://x', EBS_DATAGEN_PORT: '-1', EBS_STATISTICS_PORT: '65536' }

    const mistakes = mistakesOf(() => read(env))

    expect([...mistakes].sort()).toEqual(Object.keys(env).sort())
  })

  test('EBS_BROKER=url wants a url', () => {
    expect(mistakesOf(() => read({ EBS_BROKER: 'url' }))).toEqual(['EBS_AMQP_URL'])
  })
})

describe('a service that is started alone', () => {
  test('gets the time to stop that it takes for itself, whatever is wrong with the others', () => {
    const env = { EBS_SHUTDOWN_TIMEOUT_MS: '60000', EBS_DATAGEN_PORT: 'abc' }

    expect(readLoneService('/project', 'hub', { ...env, EBS_BROKER: 'url' })).toEqual({
      root: '/project',
      shutdownTimeoutMs: 60_000,
      env,
    })
  })

  test('is left to say itself what is wrong with its configuration', () => {
    const env = { EBS_HUB_PORT: 'abc', EBS_HUB_KEEP_HOURS: '-1' }

    expect(readLoneService('/project', 'hub', env)).toMatchObject({ root: '/project', env })
  })
})

describe('the configuration of npm test', () => {
  test.each([
    { env: { EBS_BROKER: 'memory' }, mistakes: ['EBS_BROKER'] },
    { env: { EBS_BROKER: 'url', QUEUE_URL: 'b:5672' }, mistakes: ['EBS_AMQP_MANAGEMENT_URL'] },
    { env: { EBS_BROKER: 'url', QUEUE_URL: 'b:5672', EBS_AMQP_MANAGEMENT_URL: 'http://b:15672' }, mistakes: [] },
    { env: { EBS_BROKER: 'local' }, mistakes: [] },
  ])('$env: $mistakes', ({ env, mistakes }) => {
    expect(mistakesOf(() => checkTestBroker(read(env)))).toEqual(mistakes)
  })

  test("keeps the user's own settings away from the tests", () => {
    const env = {
      PATH: '/bin',
      EBS_AMQP_URL: 'amqp://production',
      QUEUE_URL: 'b:1',
      EBS_QUEUE_TYPE: 'classic',
      EBS_TEST_SEED: '7',
    }

    const { TMPDIR: _, ...given } = testEnvironment(env, { amqpUrl: 'amqp://a', managementUrl: 'http://m', isUp: true })

    expect(given).toEqual({
      PATH: '/bin',
      EBS_TEST_SEED: '7',
      EBS_TEST_AMQP_URL: 'amqp://a',
      EBS_TEST_MANAGEMENT_URL: 'http://m',
      EBS_TEST_OWN_BROKER: 'false',
    })
  })

  test('writes to memory only where the user has named no other place', () => {
    const broker = { amqpUrl: 'amqp://a', managementUrl: 'http://m', isUp: true }

    expect(testEnvironment({ TMPDIR: '/big' }, broker).TMPDIR).toBe('/big')
    expect(testEnvironment({}, broker).TMPDIR).toBe(fastFolder())
  })
})
