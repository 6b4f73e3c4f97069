import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { createLog } from '../../../../shared/service/log.ts'
import { StoreUnavailableError } from '../../../../shared/store/store.ts'
import { registerFolder } from '../definition-folder.ts'
import type { JourneyOperations } from '../journey-operations.ts'

const log = createLog({ service: 'hub', level: 'silent' })
const journeys = () => ({ register: vi.fn<JourneyOperations['register']>() })

test('a folder that is not there is a mistake of the configuration, by the name of its variable', async () => {
  const there = await mkdtemp(join(tmpdir(), 'ebs-definitions-'))
  await rm(there, { recursive: true })
  await expect(registerFolder(there, { journeys: journeys(), log })).rejects.toThrow(
    `EBS_DEFINITIONS_DIR is "${there}". Accepted: a folder of definitions`,
  )
})

test('every JSON file of the folder is registered by the hub, which says where it found it', async () => {
  const operations = journeys()
  operations.register.mockResolvedValue({ outcome: 'same', type: 'any', version: 1, warnings: [] })
  const examples = join(import.meta.dirname, '..', '..', '..', '..', 'docs', 'examples', 'journeys')

  await registerFolder(examples, { journeys: operations, log })

  const given = operations.register.mock.calls.map(([document, by]) => ({ document, by }))
  expect(given.map(({ document }) => document)).toContainEqual(expect.objectContaining({ type: 'order', version: 1 }))
  for (const { by } of given) expect(by).toEqual({ actor: 'hub', reason: expect.stringContaining('.json') })
})

test('what cannot be read is logged and left out, and keeps no other file from being registered', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ebs-definitions-'))
  await mkdir(join(folder, 'a-folder.json'))
  await writeFile(join(folder, 'broken.json'), '{')
  await writeFile(join(folder, 'order.json'), '{"type": "order"}')
  const operations = journeys()
  operations.register.mockResolvedValue({ outcome: 'invalid', faults: ['deadline: it is missing'] })
  const error = vi.spyOn(log, 'error')

  await registerFolder(folder, { journeys: operations, log })

  expect(operations.register.mock.calls.map(([document]) => document)).toEqual([{ type: 'order' }])
  expect(error.mock.calls.map(([about]) => about)).toMatchObject([
    { path: join(folder, 'a-folder.json'), why: expect.stringContaining('EISDIR') },
    { path: join(folder, 'broken.json'), why: expect.stringContaining('JSON') },
    { path: join(folder, 'order.json'), faults: ['deadline: it is missing'] },
  ])
  operations.register.mockRejectedValue(new StoreUnavailableError('out of order'))
  await expect(registerFolder(folder, { journeys: operations, log })).rejects.toThrow('out of order')
  await rm(folder, { recursive: true })
})
