import { connect } from 'node:net'
import fc from 'fast-check'
import { z } from 'zod'
import { type Answer, jsonOf } from './answers.ts'
import type { Request } from './requests.ts'

/** What is done to the bytes of a request before they are sent. */
export type Damage = (typeof damages)[number]
const damages = [
  'none',
  'cut',
  'no host',
  'bad method',
  'bad version',
  'bare newlines',
  'nul in header',
  'space before colon',
  'length too large',
  'two lengths',
  'length and chunks',
  'bad chunk',
  'huge header',
  'thousand headers',
  'folded header',
  'not HTTP',
  'body of invalid UTF-8',
  'absolute url',
  'twice',
] as const

export const damage: fc.Arbitrary<Damage> = fc.constantFrom(...damages)

const HEADER_CHARS = 70_000
const HEADERS = 1_000

/** The bytes of a request, damaged. */
export function bytesOf({ method, url, headers, body = '' }: Request, how: Damage): Buffer {
  const target = how === 'absolute url' ? `http://example.com${wire(url)}` : wire(url)
  const lines = [
    `${how === 'bad method' ? 'G\u00cbT' : method} ${target} HTTP/${how === 'bad version' ? '9.9' : '1.1'}`,
    ...(how === 'no host' ? [] : ['host: localhost']),
    ...(how === 'twice' ? [] : ['connection: close']),
    ...headers.filter(([name]) => name !== 'expect' && name !== 'te').map(([name, value]) => `${name}: ${value}`),
    ...(EXTRA[how]?.(Buffer.byteLength(body)) ?? [
      `content-length: ${Buffer.byteLength(body) + (how === 'body of invalid UTF-8' ? 2 : 0)}`,
    ]),
  ]
  const head = Buffer.from(`${lines.join(how === 'bare newlines' ? '\n' : '\r\n')}\r\n\r\n`, 'latin1')
  const whole = Buffer.concat([
    head,
    how === 'body of invalid UTF-8' ? Buffer.from([0xc3, 0x28]) : Buffer.alloc(0),
    Buffer.from(body),
  ])
  if (how === 'not HTTP') return Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x0d, 0x0a])
  if (how === 'cut') return whole.subarray(0, Math.ceil(whole.length * 0.6))
  return how === 'twice' ? Buffer.concat([whole, whole]) : whole
}

/** A target of bytes that Node's parser reads as one; the request's text is already percent-encoded but for its nonsense. */
const wire = (url: string) => url.replace(/[\s#]/g, '')

const EXTRA: Readonly<Partial<Record<Damage, (bytes: number) => string[]>>> = {
  'nul in header': (bytes) => ['x-nul: a\u0000b', `content-length: ${bytes}`],
  'space before colon': (bytes) => ['x-space : a', `content-length: ${bytes}`],
  'length too large': (bytes) => [`content-length: ${bytes + 10}`],
  'two lengths': (bytes) => [`content-length: ${bytes}`, `content-length: ${bytes + 1}`],
  'length and chunks': (bytes) => [`content-length: ${bytes}`, 'transfer-encoding: chunked'],
  'bad chunk': () => ['transfer-encoding: chunked'],
  'huge header': (bytes) => [`x-huge: ${'h'.repeat(HEADER_CHARS)}`, `content-length: ${bytes}`],
  'thousand headers': (bytes) => [
    ...Array.from({ length: HEADERS }, (_, i) => `x-${i}: 1`),
    `content-length: ${bytes}`,
  ],
  'folded header': (bytes) => ['x-folded: a\r\n b', `content-length: ${bytes}`],
}

/** After these a server waits for the rest, as it should: the client hangs up instead. */
const UNFINISHED: ReadonlySet<Damage> = new Set([
  'cut',
  'length too large',
  'bad chunk',
  'length and chunks',
  'not HTTP',
])
const HANG_UP_MS = 20
const SILENCE_MS_MAX = 10_000

/** Sends bytes over a real socket. Undefined when the server said nothing before one side hung up; throws when it neither answers nor hangs up. */
export function sendBytes(base: string, bytes: Buffer, how: Damage): Promise<Answer | undefined> {
  const { hostname, port } = new URL(base)
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    const socket = connect({ host: hostname, port: Number(port) }, () => socket.write(bytes))
    const patience = setTimeout(
      () => {
        socket.destroy()
        if (UNFINISHED.has(how)) resolve(answerIn(Buffer.concat(parts)))
        else reject(new Error(`no answer on a socket for ${SILENCE_MS_MAX} ms`))
      },
      UNFINISHED.has(how) ? HANG_UP_MS : SILENCE_MS_MAX,
    )
    socket.on('data', (part) => {
      parts.push(part)
      // A connection that is kept has said all it will say when its two answers are there.
      if (how === 'twice' && countAnswers(Buffer.concat(parts)) >= 2) socket.destroy()
    })
    // A server that refuses bytes may reset the connection while they are still being written.
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      clearTimeout(patience)
      resolve(answerIn(Buffer.concat(parts)))
    })
  })
}

const countAnswers = (bytes: Buffer) => bytes.toString('latin1').split('HTTP/1.1 ').length - 1

/** The first answer in what came back. */
function answerIn(bytes: Buffer): Answer | undefined {
  const text = bytes.toString()
  const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1]
  if (status === undefined) return undefined
  const end = text.indexOf('\r\n\r\n')
  const head = text.slice(0, end)
  const header = (name: string) => new RegExp(`^${name}: (.*)$`, 'im').exec(head)?.[1]?.trim()
  const length = Number(header('content-length') ?? Number.NaN)
  const after = bytes.subarray(Buffer.byteLength(text.slice(0, end + 4)))
  const body = (Number.isNaN(length) ? after : after.subarray(0, length)).toString()
  return { status: Number(status), contentType: header('content-type') ?? '', retryAfter: header('retry-after'), body }
}

/** What is refused before it is a request: it has no id, and nobody knows for what it was. */
const refusal = z.strictObject({
  type: z.literal('about:blank'),
  title: z.string().min(1),
  status: z.int(),
  detail: z.string().min(1),
})
const REFUSED = [400, 408, 413, 431]

/** What Node's own parser refuses never becomes a request: no route hears of it. */
export function isRefusedByParser({ status, contentType, body }: Answer): boolean {
  if (!REFUSED.includes(status) || !contentType.startsWith('application/problem+json')) return false
  const parsed = refusal.safeParse(jsonOf(body))
  return parsed.success && parsed.data.status === status
}
