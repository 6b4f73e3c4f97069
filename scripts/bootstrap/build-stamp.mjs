import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const memoryOf = (root) => join(root, 'dist', '.tsbuildinfo')
const stampOf = (root) => join(root, 'dist', '.ebs-build')

/** What tsc compiles; tsconfig.json says the same. */
const sourceFolders = ['services', 'shared', 'scripts', 'test']

/**
 * Name, size and time of every source. Compared as a whole, because a time alone misses a file that was deleted and one that
 * came with an old date (an archive, a git checkout).
 */
function fingerprint(root) {
  const hash = createHash('sha256')
  const add = (path) => {
    const { mtimeMs, size } = statSync(path)
    hash.update(`${path.slice(root.length)} ${mtimeMs} ${size}\n`)
  }
  for (const name of ['tsconfig.json', 'rolldown.config.ts', 'package-lock.json']) add(join(root, name))
  for (const folder of sourceFolders) for (const path of sourcesIn(join(root, folder))) add(path)
  return hash.digest('hex')
}

function sourcesIn(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => join(folder, name))
}

/** Whether dist/ was built from the sources as they are now. */
export const isBuilt = (root) => existsSync(stampOf(root)) && readFileSync(stampOf(root), 'utf8') === fingerprint(root)

/**
 * Begins a build and gives back what marks it as done. The fingerprint is taken before tsc reads the first file, so that a file
 * edited meanwhile counts as stale. tsc's own memory goes: with it, tsc would not write again what was removed from dist/, nor,
 * run by hand later, the programs that the bundler has written over.
 */
export function beginBuild(root) {
  const sources = fingerprint(root)
  rmSync(stampOf(root), { force: true })
  rmSync(memoryOf(root), { force: true })
  return () => {
    rmSync(memoryOf(root), { force: true })
    writeFileSync(stampOf(root), sources)
  }
}
