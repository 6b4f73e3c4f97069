import { bootstrap } from './bootstrap.mjs'

await bootstrap()
await import('../dist/scripts/release/main.js')
