import { EventEmitter } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { datagen } from '../../services/datagen/service.ts'
import { distributor } from '../../services/distributor/service.ts'
import { gateway } from '../../services/gateway/service.ts'
import { hub } from '../../services/hub/service.ts'
import { processor } from '../../services/processor/service.ts'
import { statistics } from '../../services/statistics/service.ts'
import type { Env, ServiceConfig } from '../../shared/service/config.ts'
import { runService } from '../../shared/service/lifecycle.ts'
import type { ServiceDefinition } from '../../shared/service/service.ts'
import { signingKey } from '../../shared/service/test/token-fixture.ts'
import { services as listed } from '../services.ts'
import { temporaryFolder } from './temporary-folder.ts'

/** What a service does with an environment, as its process would, but for the broker: nobody gets that far. */
const row = <C extends ServiceConfig>(definition: ServiceDefinition<C>) => ({
  name: definition.name,
  hostOf: (env: Env) => definition.config(env).host,
  async end(env: Env) {
    const exits: number[] = []
    const printed: string[] = []
    const connect = () => {
      throw new Error('It was not refused.')
    }
    const outside = { events: new EventEmitter(), exit: (code: number) => void exits.push(code) }
    await runService(definition, { connect, env }, { ...outside, print: (text) => void printed.push(text) })
    return { exits, printed: printed.join('') }
  },
})
const services = [row(gateway), row(datagen), row(distributor), row(processor), row(hub), row(statistics)]
const hosts = ['0.0.0.0', '::', '192.168.1.5', 'fe80::1', 'ebs.example', '127.0.0.1.example']
const table = services.flatMap((service) => hosts.map((host) => ({ ...service, host })))

test('the table has every service', () => {
  expect(services.map(({ name }) => name).toSorted()).toEqual(listed.map(({ name }) => name).toSorted())
})

test.each(table)('A1: $name does not start on $host with neither tokens nor the switch', async ({ end, host }) => {
  for (const more of [{}, { EBS_AUTH: 'off' }, { EBS_INSECURE_PUBLIC: 'false' }]) {
    const { exits, printed } = await end({ EBS_HOST: host, ...more })

    expect(exits).toEqual([2])
    expect(printed).toContain(`EBS_HOST is "${host}". Accepted: a loopback address, because no token is asked for`)
    expect(printed).toMatch(/EBS_AUTH=jwt .* EBS_INSECURE_PUBLIC=true/)
  }
})

test.each(table)('A1: $name takes $host with tokens, or when the switch says so', async ({ hostOf, host }) => {
  using folder = temporaryFolder()
  const file = join(folder.path, 'jwks.json')
  writeFileSync(file, JSON.stringify({ keys: [(await signingKey('k')).jwk] }))
  const tokens = { EBS_AUTH: 'jwt', EBS_AUTH_ISSUER: 'x', EBS_AUTH_AUDIENCE: 'x', EBS_AUTH_JWKS: file }

  expect(hostOf({ EBS_HOST: host, ...tokens })).toBe(host)
  expect(hostOf({ EBS_HOST: host, EBS_INSECURE_PUBLIC: 'true' })).toBe(host)
})

test.each(services)('A1: $name does not start with tokens that nobody can check', async ({ end }) => {
  const { exits, printed } = await end({ EBS_HOST: '0.0.0.0', EBS_AUTH: 'jwt' })

  expect([exits, printed]).toEqual([[2], expect.stringMatching(/EBS_AUTH_ISSUER(.|\n)*EBS_AUTH_JWKS/)])
})
