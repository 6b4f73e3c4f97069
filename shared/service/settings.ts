import { z } from 'zod'
import { amqpUrlsIn, vhostIn } from './amqp-urls.ts'

/**
 * Schemas for values of the environment. The message of every issue is the phrase that says what is accepted, so that a
 * mistake reads "EBS_PREFETCH is "many". Accepted: a whole number from 1 to 65535".
 */

/** A whole number within bounds. */
export function wholeNumber({ min, max }: { min: number; max: number }) {
  const error = `a whole number from ${min} to ${max}`
  return z
    .string()
    .regex(/^[+-]?\d{1,16}$/, { error, abort: true })
    .transform(Number)
    .pipe(z.number().min(min, { error }).max(max, { error }))
}

/** A number within bounds, with a fraction if need be. */
export function decimal({ min, max }: { min: number; max: number }) {
  const error = `a number from ${min} to ${max}`
  return z
    .string()
    .regex(/^[+-]?\d{1,16}(\.\d{1,16})?$/, { error, abort: true })
    .transform(Number)
    .pipe(z.number().min(min, { error }).max(max, { error }))
}

/** One of some words. */
export const oneOf = <const W extends readonly [string, ...string[]]>(...words: W) =>
  z.enum(words, { error: `one of ${words.join(', ')}` })

/** A switch: `true` or `false`, nothing else, because `1`, `yes` and `on` mean different things to different people. */
export const onOff = oneOf('true', 'false').transform((word) => word === 'true')

/** Any text that is not empty. */
export const text = z.string({ error: 'some text' })

/** A URL with one of these protocols, such as `amqp:`. */
export const urlOf = (protocols: readonly string[], example: string) =>
  z.string().refine((raw) => URL.canParse(raw) && protocols.includes(new URL(raw).protocol), {
    error: `a URL that starts with ${protocols.map((p) => `${p}//`).join(' or ')}, such as ${example}`,
  })

const AMQP_EXAMPLE = 'amqp://guest:guest@127.0.0.1:5672'
/** A comma in the name of a host is the list of hosts of other programs, which no name server knows. */
function isAmqpUrl(raw: string): boolean {
  if (!URL.canParse(raw)) return false
  const { protocol, hostname, pathname } = new URL(raw)
  return ['amqp:', 'amqps:'].includes(protocol) && !hostname.includes(',') && isDecodable(pathname)
}

/** A % that does not begin the code of a character cannot be read. */
function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path)
    return true
  } catch {
    return false
  }
}

/** Where a broker is: a URL, or those of several nodes of one cluster with commas between them. */
export const brokerUrls = z.string().refine(
  (raw) => {
    const urls = amqpUrlsIn(raw)
    return urls.every(isAmqpUrl) && new Set(urls.map(vhostIn)).size === 1
  },
  {
    error: `a URL that starts with amqp:// or amqps://, such as ${AMQP_EXAMPLE}, or several with commas between them for the nodes of one cluster, all with the same virtual host (a % in its name is written %25)`,
  },
)

/** `host:port`, as other programs write the address of a broker. */
export const hostAndPort = z
  .string()
  .refine((raw) => /^(\[[0-9a-f:.]+\]|[^\s:/@[\]]+):\d{1,5}$/i.test(raw) && URL.canParse(`amqp://${raw}`), {
    error: 'host:port, such as 127.0.0.1:5672',
  })

/** Name of a place where ebs runs; part of the ids that are made there. */
export const siteName = z.string().regex(/^[a-z0-9]{1,16}$/, { error: '1 to 16 small letters and digits' })

/** A TCP port; 0 means any free one. */
export const port = wholeNumber({ min: 0, max: 65_535 })
