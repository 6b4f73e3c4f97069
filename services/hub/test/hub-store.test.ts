import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../shared/clock.ts'
import { FailoverHubStore } from '../../../shared/store/failover-hub-store.ts'
import { UnusableDatabaseError } from '../../../shared/store/migrations.ts'
import { SqliteHubStore } from '../../../shared/store/sqlite-hub-store.ts'
import { scratch } from '../../../shared/store/test/scratch.ts'
import { openHubStore } from '../hub-store.ts'

type Out = 'primary' | 'secondary' | undefined
const surroundings = {
  log: { info: () => undefined, warn: () => undefined },
  clock: systemClock,
  metrics: { gaugeBy: () => undefined },
}

/** A hub's life with two stores in a folder; gives their folders. */
async function livedWithTwo({ out, isDrained = true }: { out?: Out; isDrained?: boolean }) {
  const folder = scratch()
  const [primary, secondary] = [join(folder, 'primary'), join(folder, 'secondary')]
  const store = await FailoverHubStore.open({
    primary: join(primary, 'hub.db'),
    secondary: join(secondary, 'hub.db'),
    out,
    open: (path) => SqliteHubStore.open({ path }),
    log: surroundings.log,
    isTended: false,
  })
  if (isDrained) await store.tend()
  await store.close()
  return { primary, secondary }
}

async function openAlone(dataDir: string): Promise<void> {
  const store = await openHubStore({ dataDir, stores: undefined }, surroundings)
  onTestFinished(() => store.close())
}

test.each<{ what: string; out?: Out; isDrained?: boolean; left: 'primary' | 'secondary' }>([
  { what: 'was left for the secondary', out: 'primary', left: 'primary' },
  { what: 'is the second one', left: 'secondary' },
  { what: 'has not got everything back', isDrained: false, left: 'primary' },
])('J8: one store that $what is not used as if it were all there is', async ({ left, ...life }) => {
  const folders = await livedWithTwo(life)

  const opening = openAlone(folders[left])

  await expect(opening).rejects.toThrow(UnusableDatabaseError)
  await expect(opening).rejects.toThrow('EBS_HUB_STORE_SECONDARY')
})

test('J8: one store is all there is when it leads and has everything', async () => {
  const { primary } = await livedWithTwo({})

  await expect(openAlone(primary)).resolves.toBeUndefined()
  await expect(openAlone(scratch())).resolves.toBeUndefined()
})
