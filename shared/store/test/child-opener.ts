import { messagingTables } from '../migrations.ts'
import { SqliteStore } from '../sqlite-store.ts'

// A process that opens the store named on its command line at the moment given there, writes once, and ends.
const [path = '', atMs = '0'] = process.argv.slice(2)
while (Date.now() < Number(atMs)) {
  // Spins on purpose: all openers have to start in the same millisecond.
}
const store = await SqliteStore.open({ path, migrations: [messagingTables] })
await store.write((tx) => tx.recordFirstSeen('q', [String(process.pid)], 1))
await store.close()
