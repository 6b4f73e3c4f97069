import fc from 'fast-check'
import { hintsFor } from './hints.ts'
import { hostileKey, hostileText } from './hostile.ts'
import { type Known, wishFor } from './known.ts'
import { familyOf, type Operation, type Parameter } from './operations.ts'
import { sometimesSpoiled } from './spoiling.ts'
import { valuesOf } from './values.ts'

/** A request as it was thought up: texts may hold wishes, see `known.ts`. */
export type Wanted = {
  /** Place in the list of operations. */
  readonly operation: number
  readonly method: string
  readonly path: readonly string[]
  /** Sent as they are, without another encoding. */
  readonly nonsense: string
  readonly query: readonly (readonly [string, string])[]
  readonly headers: readonly (readonly [string, string])[]
  readonly body: WantedBody | undefined
}
type WantedBody = {
  readonly type: string | undefined
  readonly value: unknown
  readonly cut: number
  readonly prefix: string
}

/** A request as it is sent. */
export type Request = {
  readonly method: string
  readonly url: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string | undefined
}

/** Requests to all operations, acts as often as looks. */
export function requestsTo(operations: readonly Operation[]): fc.Arbitrary<Wanted> {
  return fc.oneof(
    ...operations.map((operation, place) => ({
      weight: operation.method === 'GET' ? 1 : operation.path.startsWith('/api/') ? 3 : 1,
      arbitrary: requestTo(operation, place),
    })),
  )
}

function requestTo(operation: Operation, place: number): fc.Arbitrary<Wanted> {
  const hints = hintsFor(operation)
  const text = (parameter: Parameter) => sometimesSpoiled(valuesOf(parameter.schema, hints, parameter.name)).map(asText)
  const optional = (parameter: Parameter) =>
    fc.option(
      text(parameter).map((value): [string, string] => [parameter.name, value]),
      { nil: undefined, freq: parameter.required ? 20 : 2 },
    )
  const inQuery = operation.parameters.filter((one) => one.in === 'query')
  const inHeader = operation.parameters.filter((one) => one.in === 'header')
  return fc.record({
    operation: fc.constant(place),
    method: fc.oneof(
      { weight: 40, arbitrary: fc.constant(operation.method) },
      { weight: 1, arbitrary: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS') },
    ),
    path: fc.tuple(...pathOf(operation.path).map((part) => partOf(part, operation))),
    nonsense: fc.oneof(
      { weight: 20, arbitrary: fc.constant('') },
      { weight: 1, arbitrary: fc.constantFrom(...NONSENSE) },
    ),
    query: fc
      .tuple(
        fc.tuple(...inQuery.map(optional)),
        fc.option(fc.tuple(hostileKey, hostileText), { nil: undefined, freq: 12 }),
        fc.integer({ min: 0, max: 12 }),
      )
      .map(([named, extra, again]) => {
        const given = [...named, extra].filter((one) => one !== undefined)
        // Said twice, which makes a list of what should be a text.
        return again === 0 ? [...given, ...given] : given
      }),
    headers: fc
      .tuple(fc.tuple(...inHeader.map(optional)), fc.array(headerNonsense, { maxLength: 1 }))
      .map(([named, strange]) => [...named.filter((one) => one !== undefined), ...strange]),
    body:
      operation.body === undefined
        ? fc.option(bodies(fc.constant({}), operation), { nil: undefined, freq: 12 })
        : bodies(valuesOf(operation.body, hints), operation),
  })
}

const pathOf = (path: string) => path.split('/').slice(1)

/** A part of a path that is a parameter: mostly something that is there. */
function partOf(part: string, operation: Operation): fc.Arbitrary<string> {
  const name = /^\{(.+)\}$/.exec(part)?.[1]
  if (name === undefined) return fc.constant(part)
  const parameter = operation.parameters.find((one) => one.in === 'path' && one.name === name)
  const family = name === 'id' ? familyOf(operation.path) : name
  return fc.oneof(
    { weight: 6, arbitrary: fc.nat(24).map((n) => wishFor(family, n)) },
    { weight: 1, arbitrary: valuesOf(parameter?.schema ?? {}, {}, name).map(asText) },
    { weight: 1, arbitrary: hostileText },
  )
}

function bodies(values: fc.Arbitrary<unknown>, { mediaTypes }: Operation): fc.Arbitrary<WantedBody | undefined> {
  const own = mediaTypes.length > 0 ? mediaTypes : ['application/json']
  return fc.oneof(
    {
      weight: 20,
      arbitrary: fc.record({
        type: fc.oneof(
          { weight: 20, arbitrary: fc.constantFrom(...own) },
          { weight: 1, arbitrary: fc.constantFrom(undefined, ...CONTENT_TYPES) },
        ),
        value: sometimesSpoiled(values),
        // Of a hundred bodies some are cut in the middle.
        cut: fc.oneof(
          { weight: 24, arbitrary: fc.constant(1) },
          { weight: 1, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) },
        ),
        prefix: fc.oneof(
          { weight: 40, arbitrary: fc.constant('') },
          { weight: 1, arbitrary: fc.constantFrom('\ufeff', '{}', ' \n', '\u0000', '[1e400,') },
        ),
      }),
    },
    { weight: 1, arbitrary: fc.constant(undefined) },
  )
}

const CONTENT_TYPES: readonly string[] = [
  'text/plain',
  'application/xml',
  'application/json; charset=utf-16',
  'application/json;charset="utf-8"',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/vnd.ebs.journey.v999+json',
  '/',
  'application/json, application/json',
]
const NONSENSE: readonly string[] = [
  '%',
  '%zz',
  '%00',
  '%c0%af',
  '%e0%80',
  '//',
  '/..',
  ';a=b',
  '?',
  '#',
  '/%2f',
  '%ud800',
  '\\',
]

/** What clients say that no route reads, and what routes read in ways that they do not expect. */
const headerNonsense: fc.Arbitrary<[string, string]> = fc
  .tuple(
    fc.constantFrom(
      ...['prefer', 'idempotency-key', 'traceparent', 'tracestate', 'if-match', 'if-none-match', 'if-modified-since'],
      ...['range', 'accept', 'accept-encoding', 'x-correlation-id', 'x-request-id', 'content-encoding', 'expect'],
      ...['authorization', 'x-forwarded-for', 'x-http-method-override', 'cookie', 'te', 'x-ebs-actor'],
    ),
    fc.oneof(
      fc.constantFrom(
        'wait=1',
        'wait=0',
        'wait=99999999999999999999',
        'wait=-1',
        'wait=1, wait=2',
        'wait="3"',
        'respond-async; wait=5',
      ),
      fc.constantFrom('*', '"', 'W/"x"', 'bytes=0-,-1', 'Sun, 06 Nov 1994 08:49:37 GMT', '*/*;q=0', 'gzip'),
      fc.constantFrom('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', '00-0-0-0', 'ff-' + '0'.repeat(60)),
      // What Node lets through in a header: visible ASCII and latin-1.
      fc.string({ unit: fc.constantFrom(...'azAZ09 ;,="\\/(){}é\u00ff'), maxLength: 20 }),
      fc.constantFrom(64, 257, 2_000).map((length) => 'h'.repeat(length)),
    ),
  )
  .map(([name, value]) => [name, value])

const asText = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))

/** As it goes over the wire, wishes fulfilled. */
export function requestOf(wanted: Wanted, known: Known): Request {
  const path = wanted.path.map((part) => encode(known.filled(part))).join('/')
  const query = wanted.query.map(([name, value]) => `${encode(name)}=${encode(known.filled(value))}`).join('&')
  const { body } = wanted
  const text = body && bodyText(known.filledIn(body.value), body)
  const type = text === undefined ? [] : typeHeader(body?.type)
  return {
    method: wanted.method,
    url: `/${path}${wanted.nonsense}${query === '' ? '' : `?${query}`}`,
    headers: [...type, ...wanted.headers.map(([name, value]): [string, string] => [name, latin(known.filled(value))])],
    body: text,
  }
}

const typeHeader = (type: string | undefined): [string, string][] =>
  type === undefined ? [] : [['content-type', type]]

const bodyText = (value: unknown, { cut, prefix }: WantedBody): string => {
  const json = JSON.stringify(value) ?? ''
  return prefix + json.slice(0, Math.ceil(json.length * cut))
}

/** Half a surrogate pair cannot be encoded: it goes as what it would become. */
const encode = (text: string) => encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd'))

/** Node refuses to read anything else in a header before any of our code sees it; that is tried with bytes, see `raw-requests.ts`. */
const latin = (text: string) => text.replace(/[^\t\x20-\x7e\x80-\xff]/g, '?')
