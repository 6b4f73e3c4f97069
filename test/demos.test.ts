import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { testConfig } from './config.ts'
import { searchPath } from './support/config.ts'
import { call } from './support/vhost.ts'

const program = join(import.meta.dirname, '..', 'dist', 'scripts', 'demos', 'main.js')

/** A demo as a process, on the tests' broker. */
function start(...args: readonly string[]) {
  const { amqpUrl, managementUrl } = testConfig()
  const child = spawn(process.execPath, [program, ...args], {
    env: { PATH: searchPath().join(':'), EBS_AMQP_URL: amqpUrl, EBS_AMQP_MANAGEMENT_URL: managementUrl },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const chunks: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  const text = () => Buffer.concat(chunks).toString()
  return { child, text, ended: once(child, 'close').then(() => ({ code: child.exitCode, text: text() })) }
}

const vhosts = z.array(z.object({ name: z.string() }))

/** Virtual hosts that a demo has left behind. */
async function leftBy({ pid }: { readonly pid?: number | undefined }): Promise<readonly string[]> {
  const all = vhosts.parse(
    await call(testConfig().managementUrl, { method: 'GET', path: '/api/vhosts?columns=name', body: undefined }),
  )
  return all.map(({ name }) => name).filter((name) => name.startsWith('ebs-demo-') && name.includes(`-${pid}-`))
}

test('one tenant down: the demo shows the canary and the queue, its sums are right, and it leaves nothing behind', async () => {
  const { child, ended } = start('one-tenant-down', '--no-pause', '--objects', '30')
  const { code, text } = await ended

  expect(text).toMatch(/All \d+ sums are right/)
  expect(text).toContain('canary passed, 10 sent, 0 failed')
  expect(text).toMatch(/#\/queues\/ebs-demo-one-tenant-down-[\w-]+\/ebs\.sideline\.acme-down\.process_consume/)
  expect(text).toMatch(/leaks.* 0 +0 +right/)
  expect(code).toBe(0)
  expect(await leftBy(child)).toEqual([])
})

test('bad deploy: the demo stops at a canary before the fix, replays to zero after it, and its sums are right', async () => {
  const { child, ended } = start('bad-deploy', '--no-pause', '--objects', '30')
  const { code, text } = await ended

  expect(text).toMatch(/All \d+ sums are right/)
  expect(text).toContain('is stopped: 0 handled')
  expect(text).toContain('is completed: 30 handled of 30 messages.')
  expect(text).toContain('Nothing is dead.')
  expect(code).toBe(0)
  expect(await leftBy(child)).toEqual([])
})

test.each([
  { args: [] },
  { args: ['lunch'] },
  { args: ['bad-deploy', '--objects', '0'] },
  { args: ['bad-deploy', '--objects', 'many'] },
  { args: ['bad-deploy', '--fast'] },
])('wrong usage is told, and starts nothing: $args', async ({ args }) => {
  const { code, text } = await start(...args).ended

  expect(code).toBe(2)
  expect(text).toMatch(/^Usage: npm run demo -- <name>/)
})

test('Ctrl-C in the middle, of which npm passes on a second one, leaves nothing behind', async () => {
  const { child, text, ended } = start('bad-deploy', '--no-pause', '--objects', '1000')
  while (!text().includes('From another terminal')) await once(child.stdout, 'data')
  child.kill('SIGINT')
  while (!text().includes('Interrupted')) await once(child.stdout, 'data')
  child.kill('SIGINT')

  expect(await ended).toMatchObject({ code: 130 })
  expect(await leftBy(child)).toEqual([])
})
