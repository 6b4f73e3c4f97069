import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { MemoryBroker } from '../../../shared/bus/memory-broker.ts'
import { release } from '../../../shared/release.ts'
import { copyStore, readCopy } from '../../../shared/store/copies.ts'
import { buildStore } from '../../../shared/store/sql-dump.ts'
import { waitUntil } from '../../../test/support/wait-until.ts'
import { FORMAT, type Manifest, readBackup, storeFiles, sumOf, writeManifest } from '../../backup/manifest.ts'
import { putBack } from '../../backup/put-back.ts'
import { runningSystem } from '../../backup/test/running-system.ts'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { type Recorded, readRelease, releaseFolders } from '../recorded.ts'
import { TASKS_PER_OBJECT } from '../story.ts'

const folders = releaseFolders(join(import.meta.dirname, '..', '..', '..', 'test', 'releases'))
const count = z.object({ n: z.int() })
const stamp = z.object({ ebs: z.string() })
const IN_STATE = 'select count(*) as n from objects where state = ?'

/** What `ebs backup` of that release leaves, without a broker: its stores, each copied as it is, and the manifest. */
async function backupOf({ dumps, release: { recordedAtMs } }: Recorded, folder: string): Promise<void> {
  mkdirSync(folder)
  const at = new Date(recordedAtMs).toISOString()
  const stores: Manifest['stores'] = []
  for (const name of storeFiles.filter((file) => dumps[file] !== undefined)) {
    const built = join(folder, `built-${name}`)
    buildStore(built, dumps[name] ?? '')
    const facts = await copyStore(built, join(folder, name))
    stores.push({ ...(await sumOf(folder, name)), name, copiedAt: at, ...facts })
  }
  const mark = { group: '', isReached: false }
  writeManifest(folder, {
    ...{ format: FORMAT, startedAt: at, endedAt: at, queueType: 'quorum', mark, stores, files: [], lacks: [] },
  })
}

test.each(folders.map((path) => ({ path })))(
  'a backup of $path is restored beside a new broker and started: stores are migrated, and every object goes on to its end',
  async ({ path }) => {
    using folder = temporaryFolder()
    const [saved, dataDir] = [join(folder.path, 'saved'), join(folder.path, 'data')]
    const recorded = readRelease(path, Date.now())
    const { accepted } = recorded.release
    await backupOf(recorded, saved)

    await putBack({ folder: saved, dataDir, manifest: await readBackup(saved), nowMs: Date.now() })
    {
      await using system = await runningSystem(new MemoryBroker(), dataDir)
      const inState = (state: string) =>
        readCopy(join(dataDir, 'datagen.db'), (read) => read.get(count, IN_STATE, state)?.n)
      // How many the rule holds back depends on whether the hub has said it again, to a broker that knows no rules, before they come.
      const live = accepted.objects - accepted.parked / TASKS_PER_OBJECT
      await waitUntil(() => expect(inState('completed')).toBeGreaterThanOrEqual(live))
      const by = { actor: 'ann', reason: 'restored' }
      expect(await system.post('hub', `/api/sidelines/${accepted.rule}/resolve`, by)).toMatchObject({ status: 202 })
      await waitUntil(() => expect(inState('completed')).toBe(accepted.objects))
      expect([inState('accepted'), inState('failed')]).toEqual([0, accepted.failed])
    }

    const LAST = 'select ebs from ebs_store order by seq desc limit 1'
    for (const name of ['hub.db', 'datagen.db', 'stats.db'])
      expect(readCopy(join(dataDir, name), (read) => read.get(stamp, LAST))).toEqual({ ebs: release })
  },
  60_000,
)
