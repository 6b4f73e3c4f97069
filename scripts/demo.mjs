import { bootstrap } from './bootstrap.mjs'

await bootstrap()
await import('../dist/scripts/demos/main.js')
