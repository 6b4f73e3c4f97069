import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { runScript } from '../entry.ts'
import { say } from '../progress.ts'
import { listenForStop } from '../stop-requests.ts'
import { runTool } from '../tool.ts'
import { makePages } from './pages.ts'

const FORMATTER = ['node_modules/@biomejs/biome/bin/biome', 'format', '--write']

/** `npm run docs`: writes the pages that are made of the sources. */
await runScript(async ({ root, env }) => {
  const pages = await makePages()
  for (const { path, text } of pages) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
    say(path)
  }
  const json = pages.map(({ path }) => path).filter((path) => path.endsWith('.json'))
  using stop = listenForStop(() => Promise.resolve())
  return runTool({ command: [...FORMATTER, ...json], cwd: root, env: { ...env }, signal: stop.signal })
})
