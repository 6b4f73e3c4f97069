import { expect, test } from 'vitest'
import { openServer } from '../../shared/service/server.ts'
import { readSetUpConfig } from '../config.ts'
import { findPlaces, serviceEnvironment } from '../places.ts'

const broker = { amqpUrl: 'amqp://127.0.0.1', managementUrl: undefined, isUp: true }
const folderOf = (name: 'hub' | 'gateway', env: Readonly<Record<string, string>>) => {
  const place = { name, port: 1, portVariable: 'EBS_PORT' } as const
  return serviceEnvironment(readSetUpConfig('/app', env), broker, place).EBS_DEFINITIONS_DIR
}

test.each([
  ['the hub gets the example journeys', 'hub', {}, '/app/docs/examples/journeys'],
  ['unless the user has others', 'hub', { EBS_DEFINITIONS_DIR: 'mine' }, 'mine'],
  ['or wants none', 'hub', { EBS_DEFINITIONS_DIR: '' }, ''],
  ['and nobody else does', 'gateway', {}, undefined],
] as const)('%s', (_, name, env, folder) => {
  expect(folderOf(name, env)).toBe(folder)
})

test('a port that is taken is named with its variable, and that another npm start may have it', async () => {
  const server = await openServer({ host: '127.0.0.1', port: 0, portVariable: 'EBS_PORT', listener: () => undefined })
  const { port } = new URL(server.url)
  const names = ['GATEWAY', 'DATAGEN', 'DISTRIBUTOR', 'PROCESSOR', 'STATISTICS']
  const free = Object.fromEntries(names.map((name) => [`EBS_${name}_PORT`, '0']))

  const places = findPlaces(readSetUpConfig('/app', { ...free, EBS_HUB_PORT: port }), 0)

  await expect(places).rejects.toThrow(
    new RegExp(
      `^Port ${port} on .+ is taken .+EBS_HUB_PORT.+\\nAnother \`npm start\` may be running: stop that\\. .+EBS_AMQP_URL.+$`,
    ),
  )
  await server.close()
})
