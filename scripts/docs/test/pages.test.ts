import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv } from 'ajv'
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { rowOf } from '../../../shared/events.ts'
import { bodySchema } from '../event-schema.ts'
import { eventTypes } from '../event-types.ts'
import { exampleOf } from '../example.ts'
import { hearersOf } from '../hearers.ts'
import { makePages, type Page } from '../pages.ts'

const root = join(import.meta.dirname, '../../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
/** Whatever the formatter makes of it: order counts, white space does not. */
const contentOf = ({ path, text }: Page) => (path.endsWith('.json') ? JSON.stringify(JSON.parse(text)) : text)

let pages: readonly Page[] = []
/** Six services start; on a busy machine that takes longer than vitest gives a hook. */
const MAKE_MS_MAX = 60_000
beforeAll(async () => {
  pages = await makePages()
}, MAKE_MS_MAX)
const pageOf = (path: string) => pages.find((page) => page.path === path)?.text ?? ''

test('what is committed is what the sources say', () => {
  const stale = pages.filter(({ path, text }) => contentOf({ path, text: read(path) }) !== contentOf({ path, text }))
  const services = readdirSync(join(root, 'docs/openapi')).map((name) => `docs/openapi/${name}`)

  expect(
    stale.map(({ path }) => path),
    'these pages are older than the sources: run `npm run docs` and commit them',
  ).toEqual([])
  expect(
    services.filter((path) => pageOf(path) === ''),
    'documents of services that are not there',
  ).toEqual([])
})

test(
  'made again, they are the same to the byte',
  async () => {
    expect(await makePages()).toEqual(pages)
  },
  MAKE_MS_MAX,
)

test('the AsyncAPI document is one', () => {
  const schema = z
    .record(z.string(), z.unknown())
    .parse(JSON.parse(read('node_modules/@asyncapi/specs/schemas/3.0.0-without-$id.json')))
  const validate = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(schema)
  const document: unknown = JSON.parse(pageOf('docs/asyncapi.json'))
  // A document with a mistake is refused: the check checks something.
  const wrong = { ...z.looseObject({}).parse(document), operations: { bad: { action: 'shout' } } }

  validate(document)
  expect(validate.errors).toBeNull()
  expect(validate(wrong)).toBe(false)
})

test('every reference of the AsyncAPI document leads somewhere', () => {
  const document: unknown = JSON.parse(pageOf('docs/asyncapi.json'))
  const lost: string[] = []
  JSON.parse(pageOf('docs/asyncapi.json'), (name, value: unknown) => {
    if (name !== '$ref' || typeof value !== 'string') return value
    let found: unknown = document
    for (const step of value.split('/').slice(1))
      found = typeof found === 'object' && found !== null ? Reflect.get(found, step) : undefined
    if (found === undefined) lost.push(value)
    return value
  })

  expect(lost).toEqual([])
})

test.each(['datagen', 'gateway', 'hub', 'statistics'])('the OpenAPI document of %s is one', async (service) => {
  const document = z.record(z.string(), z.unknown()).parse(JSON.parse(pageOf(`docs/openapi/${service}.json`)))

  const { valid, errors } = await new Validator().validate(document)

  expect({ valid, errors }).toMatchObject({ valid: true })
})

test('nothing tells on which machine they were made', () => {
  for (const { path, text } of pages)
    expect({ path, found: /127\.0\.0\.1:[1-9]\d{4}|\/(?:tmp|dev\/shm|home|root)\//.exec(text)?.[0] }).toEqual({ path })
})

const bodies = new Ajv({ strict: false, validateFormats: false })
describe.each(eventTypes)('%s', (type) => {
  test('its example is taken, and so is its schema; without its type it is not', () => {
    const validate = bodies.compile(bodySchema(type))
    const example = exampleOf(type)

    validate(example)
    expect(validate.errors).toBeNull()
    expect(rowOf(type).body.safeParse(example).success).toBe(true)
    expect(validate({ ...example, type: 'OTHER' })).toBe(false)
  })
})

test('hearers are what the topology binds', () => {
  expect(hearersOf('OBJECT_CREATED')).toEqual(['distributor_consume', 'statistics'])
  expect(hearersOf('ACTIVITY_REQUESTED')).toEqual(['statistics', 'activity.*'])
  expect(hearersOf('INITIATE_JOURNEY')).toEqual(['hub_consume', 'statistics'])
  expect(hearersOf('TIMERS_DUE')).toEqual([])
})
