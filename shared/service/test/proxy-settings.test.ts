import { expect, test } from 'vitest'
import { readServiceConfig } from '../config.ts'
import { started } from './lifecycle-fixture.ts'

const read = (env: Record<string, string>) => readServiceConfig({ name: 'x', port: 0, own: {} }, env)

test.each([
  ['10.0.0.1', ['10.0.0.1']],
  ['10.0.0.0/8, fd00::/8', ['10.0.0.0/8', 'fd00::/8']],
  ['loopback,uniquelocal', ['loopback', 'uniquelocal']],
  ['::1/128,1.2.3.4/32', ['::1/128', '1.2.3.4/32']],
])('EBS_TRUST_PROXY may be %s', (given, wanted) => {
  expect(read({ EBS_TRUST_PROXY: given }).trustProxy).toEqual(wanted)
})

test.each([
  'true',
  '1',
  '0.0.0.0/0',
  '::/0',
  '10.0.0.0/33',
  '::/129',
  '10.0.0.0/8/8',
  'proxy.example',
  '10.0.0.1,',
  '10.0.0.0/-1',
])('EBS_TRUST_PROXY may not be %s', (given) => {
  expect(() => read({ EBS_TRUST_PROXY: given })).toThrow('EBS_TRUST_PROXY is')
})

test('nobody is trusted unless it is said', () => {
  expect(read({}).trustProxy).toBeUndefined()
})

test.each([
  [{ EBS_TRUST_PROXY: 'loopback' }, '11.1.1.1'],
  [{}, '127.0.0.1'],
])('a service with %j takes a client of a proxy on its machine for %s', async (env, wanted) => {
  const { running } = await started(async ({ http }) => {
    http.get('/ip', ({ ip }) => ip)
    return { stop: async () => {} }
  }, env)

  const answer = await fetch(`${running.url}/ip`, { headers: { 'x-forwarded-for': '99.9.9.9, 11.1.1.1' } })

  expect(await answer.text()).toBe(wanted)
})
