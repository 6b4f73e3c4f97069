import { describe, expect, test } from 'vitest'
import { type Env, readServiceConfig } from '../config.ts'
import { ConfigError } from '../errors.ts'
import { urlOf, wholeNumber } from '../settings.ts'

const read = (env: Env) =>
  readServiceConfig(
    {
      name: 'datagen',
      port: 8000,
      own: { EBS_TASKS_PER_OBJECT: wholeNumber({ min: 1, max: 100 }).default(3) },
      queues: ['process_consume'],
    },
    env,
  )

function mistakesIn(env: Env): ConfigError {
  try {
    read(env)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('no mistake was found')
}

test('an empty environment gives the defaults of the contract', () => {
  const { retry, ...config } = read({})

  expect(config).toEqual({
    amqpUrl: 'amqp://guest:guest@127.0.0.1:5672',
    amqpManagementUrl: undefined,
    dataDir: './data',
    host: '127.0.0.1',
    lanes: { kind: 'round-robin' },
    logLevel: 'info',
    prefetch: undefined,
    queueType: 'quorum',
    shutdownTimeoutMs: 25_000,
    topology: 'declare',
    waitMsMax: 60_000,
    port: 8000,
    portVariable: 'EBS_DATAGEN_PORT',
    own: { EBS_TASKS_PER_OBJECT: 3 },
    breakers: new Map(),
    warnings: [],
  })
  expect(retry.get('process_consume')).toEqual({
    policy: 'linear',
    retries: 25,
    minMs: 1_000,
    maxMs: 3_600_000,
    factor: 2,
  })
})

test('an empty or blank value counts as not set', () => {
  expect(read({ EBS_AMQP_URL: '', EBS_DATAGEN_PORT: '  ', EBS_TASKS_PER_OBJECT: '' })).toMatchObject({
    amqpUrl: 'amqp://guest:guest@127.0.0.1:5672',
    port: 8000,
    own: { EBS_TASKS_PER_OBJECT: 3 },
  })
})

test('QUEUE_URL is an alias of the amqp url, which wins when both are set', () => {
  expect(read({ QUEUE_URL: 'broker:5999' }).amqpUrl).toBe('amqp://guest:guest@broker:5999')
  expect(read({ QUEUE_URL: 'broker:5999', EBS_AMQP_URL: 'amqps://a:b@c' }).amqpUrl).toBe('amqps://a:b@c')
})

test.each([
  ['amqp://a:b@h1:5672/v'],
  ['amqp://a:b@h1:5672/v?heartbeat=5,amqps://a:b@h2/v'],
  ['amqp://a:b@h1/, amqp://a:b@h2'],
  ['amqp://a:b,c@h1'],
])('the nodes of a cluster are one setting: %s', (given) => {
  expect(read({ EBS_AMQP_URL: given }).amqpUrl).toBe(given)
})

test.each([
  ['amqp://a:b@h1,h2:5672'],
  ['amqp://a:b@h1/v,amqp://a:b@h2/w'],
  ['amqp://a:b@h1,http://a:b@h2'],
  ['amqp://a:b@h1,'],
  ['amqp://a:b@h1/v%zz'],
  ['amqp://a:b@h1/v%ff,amqp://a:b@h2/v%ff'],
])('what is no address, or not of one virtual host, is a mistake: %s', (given) => {
  expect(mistakesIn({ EBS_AMQP_URL: given }).mistakes).toMatchObject([
    { variable: 'EBS_AMQP_URL', accepted: expect.stringContaining('the same virtual host') },
  ])
})

test('every mistake is listed at once with its variable, what was given and what is accepted', () => {
  const { mistakes, message } = mistakesIn({
    EBS_AMQP_URL: 'http://x',
    QUEUE_URL: 'broker',
    EBS_LOG_LEVEL: 'loud',
    EBS_QUEUE_TYPE: 'stream',
    EBS_PREFETCH: '0',
    EBS_DATAGEN_PORT: '70000',
    EBS_TASKS_PER_OBJECT: 'three',
    EBS_RETRY_FACTOR: '0.5',
    EBS_HOST: '0.0.0.0',
    EBS_INSECURE_PUBLIC: 'yes',
  })

  expect(mistakes.map(({ variable }) => variable).toSorted()).toEqual([
    'EBS_AMQP_URL',
    'EBS_DATAGEN_PORT',
    'EBS_HOST',
    'EBS_INSECURE_PUBLIC',
    'EBS_LOG_LEVEL',
    'EBS_PREFETCH',
    'EBS_QUEUE_TYPE',
    'EBS_RETRY_FACTOR',
    'EBS_TASKS_PER_OBJECT',
    'QUEUE_URL',
  ])
  expect(message).toContain('EBS_PREFETCH is "0". Accepted: a whole number from 1 to 65535')
  expect(message).toContain('EBS_QUEUE_TYPE is "stream". Accepted: one of quorum, classic')
})

test.each([
  ['amqp://user:secret@h:5672x/'],
  ['http://user:secret@host'],
  ['user:secret@host'],
  ['amqp//user:sec@secret@host'],
  ['amqp://user:secret@h1/v,amqp://user:secret@h2/w'],
])('the password in a wrong url %s is not shown', (given) => {
  const { message } = mistakesIn({ EBS_AMQP_URL: given })

  expect(message).not.toContain('secret')
})

test('of a webhook nothing is shown: all of its url is a secret', () => {
  const source = { name: 'datagen', port: 8082, own: { EBS_REMEDIATION_WEBHOOK: urlOf(['https:'], 'https://chat') } }
  const read = () => readServiceConfig(source, { EBS_REMEDIATION_WEBHOOK: 'htps://chat.example.com/hooks/t0ken' })

  expect(read).toThrow('EBS_REMEDIATION_WEBHOOK is "***". Accepted: ')
})

describe('a port', () => {
  test.each([
    ['0', 0],
    ['1', 1],
    ['65535', 65_535],
  ])('may be %s', (given, port) => expect(read({ EBS_DATAGEN_PORT: given }).port).toBe(port))

  test.each(['-1', '65536', '80.5', '0x50', '8e3', 'http'])('may not be %s', (given) =>
    expect(() => read({ EBS_DATAGEN_PORT: given })).toThrow(ConfigError),
  )
})

describe('A1: an address that other machines reach', () => {
  test.each(['0.0.0.0', '::', '192.168.1.5', 'myhost', '127.0.0.1.example.org'])('%s is refused', (host) => {
    expect(mistakesIn({ EBS_HOST: host }).message).toContain('EBS_INSECURE_PUBLIC=true')
  })
  test.each(['127.0.0.1', '127.8.8.8', '::1', 'localhost'])('%s is not one', (host) =>
    expect(read({ EBS_HOST: host }).host).toBe(host),
  )
  test('is taken when the switch says so', () =>
    expect(read({ EBS_HOST: '0.0.0.0', EBS_INSECURE_PUBLIC: 'true' }).host).toBe('0.0.0.0'))
})

test('a variable that looks misspelt is worth a warning and no more', () => {
  const { warnings } = read({ EBS_AMQP_ULR: 'amqp://x', EBS_GATEWAY_PORT: '1', OTHER: 'x', EBS_AMQP_URL: 'amqp://y' })

  expect(warnings).toEqual(['EBS_AMQP_ULR is not a variable of this service. Did you mean EBS_AMQP_URL?'])
})

test('it is named beside the mistakes: what was meant by it is missing', () => {
  const { message } = mistakesIn({ EBS_PREFECTH: '3', EBS_QUEUE_TYPE: 'y' })

  expect(message).toMatch(/EBS_QUEUE_TYPE is "y"(.|\n)*\n {2}EBS_PREFECTH is not .* Did you mean EBS_PREFETCH\?$/)
})

describe('R1: retry settings', () => {
  const retryOf = (env: Env) =>
    readServiceConfig({ name: 'x', port: 1, own: {}, queues: ['process_consume', 'activity.charge-v2'] }, env).retry

  test('apply to all queues, and more specific ones to one', () => {
    const retry = retryOf({
      EBS_RETRY_POLICY: 'exponential',
      EBS_RETRY_RETRIES: '-1',
      EBS_RETRY_ACTIVITY_CHARGE_V2_POLICY: 'never',
      EBS_RETRY_ACTIVITY_CHARGE_V2_FACTOR: '1.5',
    })

    expect(retry.get('process_consume')).toMatchObject({ policy: 'exponential', retries: -1, factor: 2 })
    expect(retry.get('activity.charge-v2')).toMatchObject({ policy: 'never', retries: -1, factor: 1.5 })
  })

  test('a mistake that several queues share is listed once', () => {
    expect(() => retryOf({ EBS_RETRY_MIN_MS: 'soon' })).toThrow(
      new ConfigError([
        { variable: 'EBS_RETRY_MIN_MS', given: 'soon', accepted: 'a whole number from 0 to 2592000000' },
      ]),
    )
  })

  test('a longest delay below the shortest is refused', () => {
    expect(() => retryOf({ EBS_RETRY_MIN_MS: '5000', EBS_RETRY_PROCESS_CONSUME_MAX_MS: '4000' })).toThrow(
      /EBS_RETRY_PROCESS_CONSUME_MAX_MS is "4000". Accepted: at least 5000/,
    )
  })
})
