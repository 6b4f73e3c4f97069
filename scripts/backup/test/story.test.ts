import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { Broker } from '../../../shared/bus/broker.ts'
import { MemoryBroker } from '../../../shared/bus/memory-broker.ts'
import { readCopy } from '../../../shared/store/copies.ts'
import { type Plan, topologyPlan } from '../../../shared/topology.ts'
import { waitUntil } from '../../../test/support/wait-until.ts'
import { openApi } from '../../cli/api.ts'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { readBackup } from '../manifest.ts'
import { putBack } from '../put-back.ts'
import { takeBackup } from '../take.ts'
import { type RunningSystem, runningSystem } from './running-system.ts'

/** Objects, and flows, that are begun while the backup is made: enough for any of its steps to have some beside it. */
const LOAD_MAX = 40

const noPlan: Plan = { exchanges: [], queues: [], bindings: [] }
const TASK = 'select id from task_rows where id = ?'
const task = z.object({ id: z.string() })
const ends = /success|error|failed|completed|timeout/i

const makeObject = async (system: RunningSystem) =>
  String((await system.post('datagen', '/api/objects', { tenant: 'acme' })).json.id)
const startFlow = (system: RunningSystem, flowId: string) => system.post('gateway', '/api/flows', { flowId, length: 3 })
const openTo = (memory: MemoryBroker, plan: Plan): Broker => memory.connect({ service: 'tool', plan })

/** Poison for the processor: it lies in its dead queue until a person looks. */
async function killMessage(memory: MemoryBroker): Promise<void> {
  const broker = openTo(memory, noPlan)
  await broker.publish({
    ...{ exchange: '', key: 'process_consume', body: Buffer.from('no JSON') },
    properties: { messageId: 'poison-1', headers: { 'x-ebs-tenant': 'acme' } },
  })
  await waitUntil(async () => ((await broker.inspect('process_consume.dead'))?.messages ?? 0) === 1)
  await broker.close()
}

test.each([{ broker: 'stays as it is' }, { broker: 'is lost, too' }])(
  "saved under load, destroyed and restored: nothing of before the backup is lost when the broker $broker, and what came later is nobody's or named",
  async ({ broker: fate }) => {
    using folder = temporaryFolder()
    const [dataDir, saved] = [join(folder.path, 'data'), join(folder.path, 'saved')]
    const memory = new MemoryBroker()
    let between = ''
    const accepted = { objects: [] as string[], flows: [] as string[] }
    {
      await using system = await runningSystem(memory, dataDir)
      await killMessage(memory)
      for (let n = 0; n < 16; n++) {
        accepted.objects.push(await makeObject(system))
        if (n % 4 === 0) await startFlow(system, `before-${n}`)
        if (n % 4 === 0) accepted.flows.push(`before-${n}`)
      }
      let isLoaded = true
      const load = (async () => {
        for (let n = 0; isLoaded && n < LOAD_MAX; n++)
          await Promise.all([makeObject(system), startFlow(system, `during-${n}`)])
      })()
      const manifest = await takeBackup({
        ...{ folder: saved, dataDir, queueType: 'quorum', withMessages: true, management: undefined },
        hub: openApi('hub', system.urlOf('hub')),
        connect: () => openTo(memory, noPlan),
        onStep: async (what) => {
          if (what !== 'stats.db') return
          // Nobody does its tasks: datagen's copy does not have it, the one of statistics has.
          await system.stopProcessor()
          between = await makeObject(system)
          await waitUntil(() =>
            readCopy(join(dataDir, 'stats.db'), (read) => read.get(task, TASK, `${between}.1`) !== undefined),
          )
        },
      })
      isLoaded = false
      await load
      expect(manifest).toMatchObject({ mark: { isReached: true }, messages: { 'process_consume.dead': 1 } })
      expect(manifest.lacks).toEqual([expect.stringContaining('EBS_AMQP_MANAGEMENT_URL')])
      expect(manifest.stores.map(({ name }) => name)).toEqual(['hub.db', 'datagen.db', 'stats.db'])
      await startFlow(system, 'after')
    }
    rmSync(dataDir, { recursive: true })

    const next = fate === 'is lost, too' ? new MemoryBroker() : memory
    const restored = await putBack({
      ...{ folder: saved, dataDir, manifest: await readBackup(saved), nowMs: Date.now() },
      connect: () => openTo(next, topologyPlan('quorum')),
    })
    await using system = await runningSystem(next, dataDir)

    // What is still there is not sent a second time.
    expect(restored.messages).toEqual(next === memory ? {} : { 'process_consume.dead': 1 })
    const onlooker = openTo(next, noPlan)
    expect((await onlooker.inspect('process_consume.dead'))?.messages).toBe(1)
    await onlooker.close()
    await waitUntil(async () => {
      for (const id of accepted.objects)
        expect(await system.get('datagen', `/api/objects/${id}`)).toMatchObject({ json: { state: 'completed' } })
      for (const id of accepted.flows)
        expect(await system.get('hub', `/api/flows/${id}`)).toMatchObject({
          json: { status: expect.stringMatching(ends) },
        })
    })
    expect((await system.get('hub', '/api/flows/after')).status).toBe(404)
    expect((await system.get('datagen', `/api/objects/${between}`)).status).toBe(404)
    // The old broker still had its tasks.
    if (next === memory) return
    const imbalances = await waitUntil(async () => {
      const found = JSON.stringify((await system.get('statistics', '/api/ledger/imbalances?limit=1000')).json)
      return found.includes(`"${between}.1"`) && found
    })
    for (const id of [...accepted.objects, ...accepted.flows]) expect(imbalances).not.toContain(id)
  },
  120_000,
)
