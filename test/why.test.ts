import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createLine, doneLine, paste } from './support/collector.ts'
import { searchPath } from './support/config.ts'
import { Operator } from './support/operator.ts'
import { type System, startSystem } from './support/system.ts'
import { waitUntil } from './support/wait-until.ts'

const ebs = join(import.meta.dirname, '..', 'scripts', 'ebs')
const made = z.object({ id: z.string() })

const makeObject = async (system: System, wish: object = {}) =>
  made.parse((await system.ask('datagen', '/api/objects', { json: wish })).json).id
const why = async (system: System, id: string) => (await system.ask('hub', `/api/why/${encodeURIComponent(id)}`)).json
const untilWhy = (system: System, id: string, expected: object) =>
  waitUntil(async () => expect(await why(system, id)).toMatchObject(expected))

/** The command line, as a shell starts it. */
async function run(system: System, ...argv: readonly string[]) {
  const env = { PATH: searchPath().join(':'), EBS_HUB_URL: system.process('hub').url }
  const child = spawn(ebs, ['why', ...argv], { cwd: tmpdir(), env, stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve))
  let out = ''
  for await (const chunk of child.stdout) out += String(chunk)
  return { code: await closed, out }
}

/** Another processor in place of the one that runs. */
async function processorWith(system: System, env: Readonly<Record<string, string>>) {
  const running = system.processes.filter(({ service, isAlive }) => service === 'processor' && isAlive)
  await Promise.all(running.map((one) => one.kill('SIGTERM')))
  await system.start('processor', env)
}

const command = (text: string) => expect.objectContaining({ command: expect.stringContaining(text) })

test('why is asked of what is completed, retrying, parked, dead, timed out and waiting, and each answer says what would move it', async () => {
  await using system = await startSystem()
  const operator = new Operator(system)
  const done = await makeObject(system)
  await paste(system, createLine('late', ['a', 'b'], { ttl: 1 }), doneLine('late', 'a'))
  await paste(system, createLine('lunch', ['ann', 'bob'], { ttl: 300 }), doneLine('lunch', 'ann'))
  await operator.start('acme')
  const parked = await makeObject(system, { tenant: 'acme' })
  await untilWhy(system, done, { kind: 'object', state: 'completed', commands: [], missing: [] })
  await untilWhy(system, `${parked}.1`, {
    kind: 'task',
    state: 'parked',
    commands: [command('ebs sideline resolve acme'), command('show')],
  })

  await processorWith(system, { EBS_TASK_FAILURE_RATE: '1', EBS_RETRY_PROCESS_CONSUME_RETRIES: '0' })
  const dead = await makeObject(system)
  await untilWhy(system, `${dead}.2`, { kind: 'task', state: 'dead', where: { place: 'process_consume.dead' } })
  await processorWith(system, { EBS_TASK_FAILURE_RATE: '1', EBS_RETRY_PROCESS_CONSUME_MIN_MS: '60000' })
  const retrying = await makeObject(system)
  await untilWhy(system, `${retrying}.3`, { kind: 'task', state: 'retrying', next: { what: 'attempt 2' } })

  expect(await why(system, parked)).toMatchObject({
    ...{ kind: 'object', state: 'parked', where: { rule: 'acme', queue: 'process_consume' } },
    summary: expect.stringMatching(
      /0 of 3 tasks are done\. The task \S+ is parked by the rule acme \(ann: test\) since/,
    ),
    waitsFor: { until: expect.any(String) },
    commands: expect.arrayContaining([command('ebs sideline resolve acme'), command('ebs timer move')]),
    related: Array.from({ length: 3 }, () => expect.objectContaining({ kind: 'task', state: 'parked' })),
    missing: [],
  })
  expect(await why(system, dead)).toMatchObject({
    ...{ kind: 'object', state: 'failed' },
    commands: expect.arrayContaining([command('ebs dead replay')]),
  })
  await untilWhy(system, 'late', {
    kind: 'group',
    state: 'timed-out',
    related: [{ kind: 'member', id: 'b', state: 'missing' }],
  })
  expect(await why(system, 'lunch')).toMatchObject({
    ...{ kind: 'group', state: 'waiting', waitsFor: { what: 'results of bob' } },
    commands: [command('ebs timer move group:lunch:deadline'), command('ebs group cancel lunch')],
  })

  const text = await run(system, `${parked}.1`)
  expect(text.code).toBe(0)
  expect(text.out).toMatch(/^task \S+ {2}parked\n/)
  expect(text.out).toContain("ebs sideline resolve acme --reason '…'")
  const json = await run(system, `${retrying}.3`, '-o', 'json')
  expect({ code: json.code, why: JSON.parse(json.out) }).toMatchObject({ code: 0, why: { state: 'retrying' } })
  expect((await run(system, 'nobody-knows-this')).code).toBe(3)
})
