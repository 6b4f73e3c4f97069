import { bootstrap } from './bootstrap.mjs'

// On stdout stands nothing but the answer, or `ebs ... -o json | jq` would fail on a fresh clone.
const { log } = console
console.log = console.error
await bootstrap()
console.log = log
await import('../dist/scripts/cli/main.js')
