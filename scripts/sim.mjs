import { bootstrap } from './bootstrap.mjs'

await bootstrap()
await import('../dist/scripts/sim/main.js')
