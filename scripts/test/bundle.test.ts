import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { serviceNames } from '../services.ts'

const root = join(import.meta.dirname, '..', '..')
const dist = join(root, 'dist')

/** What a program needs before its first line runs: files of its own, and packages. */
function neededBy(program: string) {
  const files = new Set([join(dist, program)])
  const packages = new Set<string>()
  for (const file of files) {
    const imports = readFileSync(file, 'utf8').matchAll(/^(?:import|export)\b[^'";]*['"]([^'"]+)['"];?$/gm)
    for (const [, name = ''] of imports) {
      if (name.startsWith('.')) files.add(join(dirname(file), name))
      else if (!name.startsWith('node:')) packages.add(name)
    }
  }
  return { files: [...files], packages: [...packages] }
}

test.each(serviceNames)('%s starts from a few files, with what is native as its only package', (name) => {
  const { files, packages } = neededBy(`services/${name}/main.js`)

  expect(files.length).toBeGreaterThan(1)
  expect(files.length).toBeLessThan(60)
  expect(packages.filter((one) => one !== 'better-sqlite3')).toEqual([])
})

const map = z.object({ sources: z.array(z.string()) })

test.each(['services/hub/service.ts', 'shared/bus/consumer.ts'])('a stack of the hub can name %s', (source) => {
  const maps = neededBy('services/hub/main.js').files.map((file) => `${file}.map`)
  const sources = maps
    // What is only the bundler's own has none.
    .filter((path) => existsSync(path))
    .flatMap((path) =>
      map.parse(JSON.parse(readFileSync(path, 'utf8'))).sources.map((name) => join(dirname(path), name)),
    )

  expect(sources).toContain(join(root, source))
  expect(sources.filter((path) => path.startsWith(join(root, 'shared')) && !existsSync(path))).toEqual([])
})
