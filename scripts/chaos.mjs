import { bootstrap } from './bootstrap.mjs'

await bootstrap()
await import('../dist/scripts/chaos/main.js')
