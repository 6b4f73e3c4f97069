import { expect, test } from 'vitest'
import { ConfigError } from '../../../shared/service/errors.ts'
import { hubConfig } from '../config.ts'

function messageOf(env: Record<string, string>): string {
  try {
    hubConfig(env)
    return 'accepted'
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
}

test('needs nothing, and shows how its times lie within one another', () => {
  const { port, flow, nesting, own } = hubConfig({})

  expect(port).toBe(8081)
  expect(flow).toEqual({ deadlineMs: 15_000, call: { timeoutMs: 2_000, retries: 2, backoffMs: 200 } })
  expect(nesting).toBe('3 attempts x (2000 + 200 ms) = 6600 ms < hub deadline 15000 ms < EBS_WAIT_MS_MAX 60000 ms')
  expect(own).toMatchObject({
    EBS_EARLY_KEEP_MS: 60_000,
    EBS_HUB_KEEP_HOURS: 24,
    EBS_HUB_KEEP_FAILED_HOURS: 168,
    EBS_SITE: 'main',
  })
  expect([own.EBS_DEFINITIONS_DIR, own.EBS_JOURNEY_OVERDUE_MS, own.EBS_REMEDIATION_WEBHOOK]).toEqual([
    undefined,
    undefined,
    undefined,
  ])
})

test.each([
  ['attempts that fill the deadline', { EBS_FLOW_DEADLINE_MS: '6600' }, /EBS_FLOW_DEADLINE_MS is "6600"\. .*= 6600 ms/],
  [
    'a deadline as long as a client waits',
    { EBS_WAIT_MS_MAX: '15000' },
    /EBS_WAIT_MS_MAX is "15000"\. .*EBS_FLOW_DEADLINE_MS = 15000 ms/,
  ],
  ['many retries', { EBS_FLOW_CALL_RETRIES: '6' }, /7 attempts x \(2000 ms \+ 200 ms\) = 15400 ms/],
])('H10: refuses %s, with the sums shown', (_, env, sums) => {
  expect(messageOf(env)).toMatch(sums)
})

test('H10: shows everything that does not nest at once', () => {
  const message = messageOf({ EBS_FLOW_DEADLINE_MS: '5000', EBS_WAIT_MS_MAX: '4000' })
  expect(message).toMatch(/EBS_FLOW_DEADLINE_MS is "5000"\. .*= 6600 ms\n/)
  expect(message).toMatch(/EBS_WAIT_MS_MAX is "4000"\. .*= 5000 ms$/)
})

test.each([
  { EBS_FLOW_DEADLINE_MS: '6601' },
  { EBS_WAIT_MS_MAX: '15001' },
  { EBS_FLOW_CALL_RETRIES: '0', EBS_FLOW_DEADLINE_MS: '2201' },
  { EBS_HUB_KEEP_HOURS: '1', EBS_EARLY_KEEP_MS: '0' },
])('takes what just nests: %j', (env) => {
  expect(messageOf(env)).toBe('accepted')
})

test.each([
  { EBS_FLOW_CALL_TIMEOUT_MS: '0' },
  { EBS_FLOW_CALL_RETRIES: '-1' },
  { EBS_FLOW_DEADLINE_MS: 'soon' },
  { EBS_HUB_KEEP_HOURS: '0' },
  { EBS_GROUP_DEADLINE_WHILE_PARKED: 'stopped' },
  { EBS_FLOW_DEADLINE_WHILE_PARKED: 'true' },
  { EBS_JOURNEY_DEADLINE_WHILE_PARKED: 'stopped' },
  { EBS_JOURNEY_OVERDUE_MS: '999' },
  { EBS_REMEDIATION_WEBHOOK: 'chat.example.com' },
  { EBS_SITE: 'Main' },
  { EBS_SITE: 'a'.repeat(17) },
])('refuses %j, naming the variable', (env) => {
  expect(messageOf(env)).toContain(`${Object.keys(env)[0]} is "`)
})

test.each([
  { env: {}, frozen: [] },
  { env: { EBS_GROUP_DEADLINE_WHILE_PARKED: 'runs', EBS_FLOW_DEADLINE_WHILE_PARKED: 'frozen' }, frozen: ['flow'] },
  { env: { EBS_GROUP_DEADLINE_WHILE_PARKED: 'frozen' }, frozen: ['group'] },
  { env: { EBS_JOURNEY_DEADLINE_WHILE_PARKED: 'frozen' }, frozen: ['journey'] },
])('deadlines of $frozen stand still while a message of theirs is set aside: $env', ({ env, frozen }) => {
  expect([...hubConfig(env).frozenWhileParked]).toEqual(frozen)
})

test('keeps everything in one store, unless a second one is named', () => {
  expect(hubConfig({}).stores).toBeUndefined()
  expect(hubConfig({ EBS_HUB_STORE_SECONDARY: '/mnt/b' }).stores).toEqual({
    primary: './data',
    secondary: '/mnt/b',
    out: undefined,
  })
  expect(
    hubConfig({ EBS_HUB_STORE_PRIMARY: '/mnt/a', EBS_HUB_STORE_SECONDARY: '/mnt/b', EBS_HUB_STORE_OUT: 'primary' })
      .stores,
  ).toEqual({ primary: '/mnt/a', secondary: '/mnt/b', out: 'primary' })
})

test.each([
  [{ EBS_HUB_STORE_PRIMARY: '/mnt/a' }, 'EBS_HUB_STORE_SECONDARY is not set'],
  [{ EBS_HUB_STORE_OUT: 'primary' }, 'EBS_HUB_STORE_SECONDARY is not set'],
  [{ EBS_HUB_STORE_PRIMARY: '/mnt/a', EBS_HUB_STORE_SECONDARY: '/mnt/a/' }, 'another folder'],
  [{ EBS_HUB_STORE_SECONDARY: '/mnt/b', EBS_HUB_STORE_OUT: 'both' }, 'EBS_HUB_STORE_OUT'],
])('refuses %o as stores', (env, words) => {
  expect(messageOf(env)).toContain(words)
})
