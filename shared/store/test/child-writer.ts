import { messagingTables } from '../migrations.ts'
import { SqliteStore } from '../sqlite-store.ts'
import { row } from './rows.ts'

// A process that writes to the store named on its command line and says each write that is durable, until it is killed.
const store = await SqliteStore.open({ path: process.argv[2] ?? '', migrations: [messagingTables] })
for (let n = 0; ; n++) {
  await store.write((tx) => {
    tx.recordFirstSeen('q', [String(n)], 1)
    tx.enqueue([row(String(n))])
  })
  process.stdout.write(`${n}\n`)
}
