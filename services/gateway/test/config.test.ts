import { expect, test } from 'vitest'
import { ConfigError } from '../../../shared/service/errors.ts'
import { gatewayConfig } from '../config.ts'

test('needs nothing: clients may wait for longer than the hub takes', () => {
  expect(gatewayConfig({})).toMatchObject({
    port: 8080,
    waitMsMax: 60_000,
    own: { EBS_FLOW_DEADLINE_MS: 15_000, EBS_SITE: 'main' },
  })
})

test.each(['a', '0', 'eu1', 'x'.repeat(16)])('a site may be called %s', (EBS_SITE) => {
  expect(gatewayConfig({ EBS_SITE }).own.EBS_SITE).toBe(EBS_SITE)
})

test.each(['EU', 'a-b', 'a.b', 'x'.repeat(17), 'ä'])(
  'a site is not called %s, because it is part of ids',
  (EBS_SITE) => {
    expect(() => gatewayConfig({ EBS_SITE })).toThrow(`EBS_SITE is "${EBS_SITE}"`)
  },
)

test.each([
  { EBS_WAIT_MS_MAX: '15001' },
  { EBS_FLOW_DEADLINE_MS: '59999' },
  { EBS_WAIT_MS_MAX: '101', EBS_FLOW_DEADLINE_MS: '100' },
])('H10: takes %j', (env) => {
  expect(() => gatewayConfig(env)).not.toThrow()
})

test.each([
  [{ EBS_WAIT_MS_MAX: '15000' }, '15000', 15_000],
  [{ EBS_FLOW_DEADLINE_MS: '60000' }, '60000', 60_000],
  [{ EBS_WAIT_MS_MAX: '10000', EBS_FLOW_DEADLINE_MS: '20000' }, '10000', 20_000],
])('H10: refuses %j, with the sums shown', (env, given, deadlineMs) => {
  const accepted = `more than the hub deadline, EBS_FLOW_DEADLINE_MS = ${deadlineMs} ms`
  const mistakes = [{ variable: 'EBS_WAIT_MS_MAX', given, accepted }]

  expect(() => gatewayConfig(env)).toThrow(new ConfigError(mistakes))
})

test.each(['99', '600001', 'soon'])('refuses a hub deadline of %s, as the hub does', (given) => {
  expect(() => gatewayConfig({ EBS_FLOW_DEADLINE_MS: given })).toThrow(`EBS_FLOW_DEADLINE_MS is "${given}"`)
})
