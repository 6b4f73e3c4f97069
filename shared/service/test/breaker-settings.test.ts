import { expect, test } from 'vitest'
import { breakerEnv, breakerVariables } from '../breaker-settings.ts'
import { readServiceConfig } from '../config.ts'

const queues = ['process_consume', 'hub_consume', 'statistics', 'activity.charge-v2']
const settingsOf = (env: Readonly<Record<string, string>>) => Object.fromEntries(breakerEnv(queues, env).settings)

const defaults = { share: 0.5, min: 20, windowMs: 60_000, probeMs: 30_000, by: 'tenant', byVariable: 'EBS_BREAKER_BY' }

test('is off unless it is switched on', () => {
  expect(settingsOf({})).toEqual({})
  expect(settingsOf({ EBS_BREAKER: 'off', EBS_BREAKER_MIN: '3' })).toEqual({})
})

test('switched on, it watches every queue but those that the platform is run by', () => {
  expect(settingsOf({ EBS_BREAKER: 'on' })).toEqual({ process_consume: defaults, 'activity.charge-v2': defaults })
})

test.each([
  { env: { EBS_BREAKER_PROCESS_CONSUME: 'on' }, watched: ['process_consume'] },
  { env: { EBS_BREAKER: 'on', EBS_BREAKER_PROCESS_CONSUME: 'off' }, watched: ['activity.charge-v2'] },
  { env: { EBS_BREAKER_HUB_CONSUME: 'on' }, watched: ['hub_consume'] },
])('one queue can have its own switch: $env', ({ env, watched }) => {
  expect(Object.keys(settingsOf(env))).toEqual(watched)
})

test('each setting can be that of one queue', () => {
  const settings = settingsOf({
    EBS_BREAKER: 'on',
    EBS_BREAKER_SHARE: '0.2',
    EBS_BREAKER_PROCESS_CONSUME_SHARE: '0.9',
    EBS_BREAKER_PROCESS_CONSUME_BY: 'event.task.objectId',
    EBS_BREAKER_ACTIVITY_CHARGE_V2_WINDOW_MS: '5000',
    EBS_BREAKER_PROBE_MS: '1000',
  })

  expect(settings.process_consume).toEqual({
    ...defaults,
    share: 0.9,
    probeMs: 1_000,
    by: 'event.task.objectId',
    byVariable: 'EBS_BREAKER_PROCESS_CONSUME_BY',
  })
  expect(settings['activity.charge-v2']).toEqual({ ...defaults, share: 0.2, windowMs: 5_000, probeMs: 1_000 })
})

test('mistakes are listed, each once, with those of the service', () => {
  const env = { EBS_BREAKER: 'yes', EBS_BREAKER_SHARE: '50', EBS_BREAKER_PROCESS_CONSUME_MIN: '0' }

  expect(
    breakerEnv(queues, env)
      .mistakes.map(({ variable }) => variable)
      .toSorted(),
  ).toEqual(['EBS_BREAKER', 'EBS_BREAKER_PROCESS_CONSUME_MIN', 'EBS_BREAKER_SHARE'])
  expect(() => readServiceConfig({ name: 'x', port: 1, own: {}, queues }, env)).toThrow(
    /EBS_BREAKER is "yes"[\s\S]*one of on, off/,
  )
})

test('its variables are known, so that a misspelt one is pointed out', () => {
  expect(breakerVariables(['process_consume'])).toContain('EBS_BREAKER_PROCESS_CONSUME_PROBE_MS')
  const { warnings, breakers } = readServiceConfig(
    { name: 'x', port: 1, own: {}, queues },
    { EBS_BREAKER: 'on', EBS_BRAKER_MIN: '3' },
  )
  expect(warnings).toEqual([expect.stringContaining('Did you mean EBS_BREAKER_MIN?')])
  expect([...breakers.keys()]).toEqual(['process_consume', 'activity.charge-v2'])
})
