import { createHash } from 'node:crypto'
import { migrations as datagenMigrations } from '../../services/datagen/store.ts'
import { migrations as shopMigrations } from '../../services/processor/shop/schema.ts'
import { migrations as statisticsMigrations } from '../../services/statistics/schema.ts'
import { activityMigrations } from '../../shared/store/activity-memory.ts'
import type { Migration } from '../../shared/store/migrations.ts'
import { hubMigrations } from '../../shared/store/sqlite-hub-store.ts'
import type { StoreFile } from '../backup/manifest.ts'

type StoreSource = {
  readonly migrations: readonly Migration[]
  /** Where another version of ebs, compiled, has them; missing there, they are taken for the same as ours. */
  readonly module: string
  readonly name: string
}

/** The stores by their files. */
export const stores: Readonly<Record<StoreFile, StoreSource>> = {
  'hub.db': { migrations: hubMigrations, module: 'shared/store/sqlite-hub-store.js', name: 'hubMigrations' },
  'processor.db': {
    migrations: activityMigrations,
    module: 'shared/store/activity-memory.js',
    name: 'activityMigrations',
  },
  'shop.db': { migrations: shopMigrations, module: 'services/processor/shop/schema.js', name: 'migrations' },
  'datagen.db': { migrations: datagenMigrations, module: 'services/datagen/store.js', name: 'migrations' },
  'stats.db': { migrations: statisticsMigrations, module: 'services/statistics/schema.js', name: 'migrations' },
}

export type MigrationDigest = { readonly name: string; readonly sha256: string }

/** By which it is known that a migration is as it was released. */
export const digestsOf = (migrations: readonly Migration[]): readonly MigrationDigest[] =>
  migrations.map(({ name, sql }) => ({ name, sha256: createHash('sha256').update(sql).digest('hex') }))
