import { expect, test } from 'vitest'
import { readSetUpConfig } from '../config.ts'
import { serviceEnvironment } from '../places.ts'

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
