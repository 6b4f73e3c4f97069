import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { ALONE } from './support/alone.ts'

const root = join(import.meta.dirname, '..')
const LINES_MAX = 300

type Source = {
  readonly path: string
  readonly text: string
  readonly imports: readonly { name: string; typeOnly: boolean }[]
}

const sources: Source[] = ['shared', 'services', 'scripts', 'test']
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  )
  .filter((path) => path.endsWith('.ts') || path.endsWith('.mjs'))
  .map((path) => {
    const text = readFileSync(join(root, path), 'utf8')
    const statements = text.matchAll(/^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm)
    const dynamic = text.matchAll(/\bimport\('([^']+)'\)/g)
    const resolve = (name: string) => (name.startsWith('.') ? relative(root, join(root, dirname(path), name)) : name)
    return {
      path,
      text,
      imports: [
        ...[...statements].map(([, type, name = '']) => ({ name: resolve(name), typeOnly: type !== undefined })),
        ...[...dynamic].map(([, name = '']) => ({ name: resolve(name), typeOnly: false })),
      ],
    }
  })
const isTest = ({ path }: Source) => /(^|\/)test\//.test(path)
const product = sources.filter((source) => !isTest(source))

/** Where something may be imported or used; everywhere else it is a breach. */
const breaches = (of: readonly Source[], isUsed: (source: Source) => boolean, allowed: RegExp) =>
  of.filter((source) => isUsed(source) && !allowed.test(source.path)).map(({ path }) => path)
const imports =
  (target: RegExp, kind: 'any' | 'values' = 'any') =>
  (source: Source) =>
    source.imports.some(({ name, typeOnly }) => target.test(name) && (kind === 'any' || !typeOnly))

test('the scan sees the sources and their imports', () => {
  expect(product.length).toBeGreaterThan(40)
  expect(breaches(product, imports(/^amqplib$/), /^nowhere$/)).toContain('shared/bus/amqp-broker.ts')
})

test.each([
  {
    wall: 'amqplib only in the bus, in the bare programs of the benchmark and in the witness of the fault injection',
    target: /^amqplib/,
    allowed: /^(shared\/bus|scripts\/bench)\/|^scripts\/chaos\/bus\.ts$/,
  },
  {
    wall: 'better-sqlite3 only in the store and in the bare programs of the benchmark',
    target: /^better-sqlite3/,
    allowed: /^(shared\/store|scripts\/bench)\//,
  },
  {
    wall: 'shared knows no service and no script',
    target: /^(services|scripts)\//,
    allowed: /^(services|scripts|test)\//,
  },
  { wall: 'OpenTelemetry only where traces are', target: /^@opentelemetry/, allowed: /^shared\/tracing\// },
  { wall: 'services know no script', target: /^scripts\//, allowed: /^(scripts|test)\// },
  {
    wall: 'testcontainers only where a broker is provisioned',
    target: /^testcontainers/,
    allowed: /^scripts\/broker\//,
  },
])('$wall', ({ target, allowed }) => {
  expect(breaches(product, imports(target), allowed)).toEqual([])
})

test('no service imports another', () => {
  const owner = (path: string) => /^services\/([^/]+)\//.exec(path)?.[1]
  const strangers = sources.flatMap(({ path, imports: names }) =>
    names
      .filter(({ name }) => owner(path) && owner(name) && owner(name) !== owner(path))
      .map(({ name }) => `${path} -> ${name}`),
  )
  expect(strangers).toEqual([])
})

test('inside shared: events <- topology <- bus; store and service know no events', () => {
  const shared = (folder: RegExp) => product.filter(({ path }) => folder.test(path))
  expect(breaches(shared(/^shared\/events\.ts$/), imports(/^shared\/(?!\w+-events|subject)/), /^$/)).toEqual([])
  expect(breaches(shared(/^shared\/\w+-events\.ts$/), imports(/^shared\/(?!subject)/), /^$/)).toEqual([])
  expect(breaches(shared(/^shared\/topology\.ts$/), imports(/^shared\/(?!events)/), /^$/)).toEqual([])
  expect(breaches(shared(/^shared\/bus\//), imports(/^shared\/flow\//), /^$/)).toEqual([])
  expect(breaches(shared(/^shared\/cel\//), imports(/^shared\/(?!cel\/|events)/), /^$/)).toEqual([])
  expect(breaches(shared(/^shared\/store\//), imports(/^shared\/(events|topology|bus|flow|service)/), /^$/)).toEqual([])
  // A service's start is typed by the broker it is given, and needs nothing else of the bus.
  expect(breaches(shared(/^shared\/service\//), imports(/^shared\/(events|topology|flow|store)/), /^$/)).toEqual([])
  expect(
    breaches(shared(/^shared\/service\//), imports(/^shared\/bus\//, 'values'), /^shared\/service\/broker-watch\.ts$/),
  ).toEqual([])
})

test('the environment is read in config files only', () => {
  const reads = (source: Source) => /process\.env\b/.test(source.text)
  expect(breaches(sources, reads, /(^|\/)config\.(ts|mjs)$|^test\/walls\.test\.ts$/)).toEqual([])
})

test('files are small and named after what they hold', () => {
  const long = sources.filter(({ text }) => text.split('\n').length > LINES_MAX + 1).map(({ path }) => path)
  expect(long).toEqual([])
  const vague = sources
    .filter(({ path }) => /\/(utils?|helpers?|common|types|manager|index)\.(ts|mjs)$/.test(path))
    .map(({ path }) => path)
  expect(vague).toEqual([])
  const misnamed = sources.filter(({ path }) => !/^[a-z0-9/.-]+$/.test(path)).map(({ path }) => path)
  expect(misnamed).toEqual([])
})

test('a test that changes the whole process has a worker of its own', () => {
  const changes = /\bvi\.(?:mock|doMock|useFakeTimers|stubEnv|stubGlobal)\(|\.register\(\)|\bspyOn\(\w+\.prototype\b/
  const changing = sources
    .filter(({ path, text }) => path.endsWith('.test.ts') && path !== 'test/walls.test.ts' && changes.test(text))
    .map(({ path }) => path)
  expect(changing.length).toBeGreaterThan(5)
  expect(changing.filter((path) => !ALONE.includes(path))).toEqual([])
  expect(ALONE.filter((path) => !existsSync(join(root, path)))).toEqual([])
})

test('no loopholes in types and tests', () => {
  const inCode = /:\s*any\b|\bas any\b|<any>|\.skip\(|\.only\(/
  const anywhere = /@ts-ignore|@ts-expect-error|biome-ignore|\b(TODO|FIXME|XXX)\b/
  const codeOf = (text: string) => text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
  const found = sources
    .filter(({ path }) => path !== 'test/walls.test.ts')
    .filter(({ text }) => inCode.test(codeOf(text)) || anywhere.test(text))
    .map(({ path }) => path)
  expect(found).toEqual([])
})
