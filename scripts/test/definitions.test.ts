import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { activityNames } from '../../services/processor/activities/table.ts'
import { activityPlan, topologyPlan } from '../../shared/topology.ts'
import { userNames } from '../broker/definitions.ts'
import { readCliConfig } from '../cli/config.ts'
import { runEbs } from '../cli/test/fake-terminal.ts'

const root = join(import.meta.dirname, '..', '..')
const users = z.object({
  users: z.array(z.object({ name: z.string(), password_hash: z.string(), tags: z.array(z.string()) })),
})
const usersIn = (out: string) => users.parse(JSON.parse(out)).users

/** As RabbitMQ checks a password. */
function isPasswordOf(stored: string, password: string): boolean {
  const bytes = Buffer.from(stored, 'base64')
  const [salt, digest] = [bytes.subarray(0, 4), bytes.subarray(4)]
  return createHash('sha256').update(salt).update(password).digest().equals(digest)
}

test.each(['compose/definitions.json', 'kustomize/components/trial-secrets/definitions.json'])(
  '%s is what `ebs topology definitions` prints',
  async (path) => {
    const { out, err } = await runEbs(['topology', 'definitions'])

    expect(readFileSync(join(root, path), 'utf8')).toBe(out)
    expect(err).toBe('')
  },
)

test('it holds the whole topology, and a user for each service whose password is its name', async () => {
  const { out } = await runEbs(['topology', 'definitions', '--vhost', 'shop'])
  const { exchanges, queues, bindings } = z
    .object({ exchanges: z.array(z.unknown()), queues: z.array(z.unknown()), bindings: z.array(z.unknown()) })
    .parse(JSON.parse(out))
  const plans = [topologyPlan('quorum'), ...activityNames.map((name) => activityPlan(name, 'quorum'))]

  expect(exchanges).toHaveLength(plans.flatMap((plan) => plan.exchanges).length)
  expect(queues).toEqual(
    plans
      .flatMap((plan) => plan.queues)
      .map((queue) => ({ ...queue, vhost: 'shop', durable: true, auto_delete: false })),
  )
  expect(bindings).toContainEqual({
    ...{ source: 'ebs', vhost: 'shop', destination: 'process_consume', destination_type: 'queue' },
    ...{ routing_key: 'task-requests', arguments: {} },
  })
  expect(usersIn(out).map(({ name, tags }) => [name, ...tags])).toEqual([
    ...[['gateway'], ['datagen'], ['distributor'], ['processor'], ['hub', 'management'], ['statistics', 'monitoring']],
    ['admin', 'administrator'],
  ])
  for (const { name, password_hash } of usersIn(out)) expect(isPasswordOf(password_hash, name)).toBe(true)
})

test('passwords of the environment, with a salt of their own each time; those that are missing are named', async () => {
  const { passwords } = readCliConfig({ EBS_HUB_PASSWORD: 's3cret-_.~', EBS_ADMIN_PASSWORD: 'root' })
  const run = () => runEbs(['topology', 'definitions', '--from-env'], { config: passwords ? { passwords } : {} })
  const [{ out, err }, again] = [await run(), await run()]
  const hashOf = (text: string, of: string) => usersIn(text).find(({ name }) => name === of)?.password_hash ?? ''

  expect(isPasswordOf(hashOf(out, 'hub'), 's3cret-_.~')).toBe(true)
  expect(isPasswordOf(hashOf(out, 'admin'), 'root')).toBe(true)
  expect(hashOf(again.out, 'hub')).not.toBe(hashOf(out, 'hub'))
  expect(hashOf(again.out, 'gateway')).toBe(hashOf(out, 'gateway'))
  expect(err).toContain('No password is set for gateway, datagen, distributor, processor, statistics:')
  expect(out + err).not.toContain('s3cret')
})

test('a password that would need another spelling in a url is refused, and not shown', () => {
  expect(() => readCliConfig({ EBS_HUB_PASSWORD: 'p@ss:word' })).toThrow(
    /EBS_HUB_PASSWORD is "\*\*\*"\. .*stands in a url/s,
  )
})

test('compose/passwords.example.env names every user', () => {
  const text = readFileSync(join(root, 'compose', 'passwords.example.env'), 'utf8')
  const named = [...text.matchAll(/^EBS_([A-Z]+)_PASSWORD=/gm)].map(([, name = '']) => name.toLowerCase())

  expect(named).toEqual(expect.arrayContaining([...userNames]))
})
