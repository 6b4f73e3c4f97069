import { expect, test } from 'vitest'
import { z } from 'zod'
import { runEbs } from '../scripts/cli/test/fake-terminal.ts'
import { startLoad } from './support/load.ts'
import { expectAllDone } from './support/settled.ts'
import { startSystem } from './support/system.ts'
import { testVhost } from './support/vhost.ts'
import { waitUntil } from './support/wait-until.ts'

/** Ten objects so often. */
const EVERY_MS = 400
const list = z.array(z.unknown())
const reported = z.object({ left: list, rest: list, refused: list, obsolete: list })
const env = {
  ...{ EBS_QUEUE_TYPE: 'classic', EBS_TOPOLOGY: 'verify' },
  // Far below what an operator would take.
  ...{ EBS_LEDGER_SETTLE_MS: '1000', EBS_LEDGER_EVERY_MS: '250' },
}

test('every queue becomes a quorum queue while objects come in and services run: each object is done once, and nothing is lost', async () => {
  await using vhost = await testVhost()
  const ebs = (queueType: 'classic' | 'quorum', ...argv: readonly string[]) => {
    const config = { amqpUrl: vhost.url, amqpManagementUrl: vhost.managementUrl, queueType }
    return runEbs(['topology', ...argv], { config })
  }
  const apply = ['apply', '--yes', '--reason', 'a test']
  expect(await ebs('classic', ...apply)).toMatchObject({ code: 0 })
  await using system = await startSystem({ vhost, env })
  const load = startLoad(system, ['default'], EVERY_MS)
  await waitUntil(() => load.accepted >= 20)
  await system.process('processor').kill('SIGTERM')
  const before = load.accepted

  const { code, out } = await ebs('quorum', ...apply, '--cut-consumers', '-o', 'json')

  expect({ code, ...reported.parse(JSON.parse(out)) }).toEqual({
    code: 0,
    left: [],
    rest: [],
    refused: [],
    obsolete: [],
  })
  const during = load.accepted - before
  const processor = await system.start('processor', { EBS_QUEUE_TYPE: 'quorum', EBS_TOPOLOGY: 'declare' })
  const objects = await load.stop()
  expect(during).toBeGreaterThan(0)
  expect(processor.isAlive).toBe(true)
  await expectAllDone(system, { objects })
  const ledger = async () => (await system.ask('statistics', '/api/ledger')).json
  await waitUntil(async () => expect(await ledger()).toMatchObject({ balanced: true, imbalance: 0 }))
  expect(await ebs('quorum', 'plan')).toMatchObject({ code: 0 })
})
