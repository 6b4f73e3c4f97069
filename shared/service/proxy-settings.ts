import { isIP } from 'node:net'
import { z } from 'zod'

/** Names of ranges that the library behind fastify's `trustProxy` knows: 127.0.0.0/8, 169.254.0.0/16, 10.0.0.0/8 and its like. */
const RANGES: readonly string[] = ['loopback', 'linklocal', 'uniquelocal']
const BITS: Readonly<Record<number, number>> = { 4: 32, 6: 128 }

/** Proxies that may say for whom a request is: addresses and ranges with commas between them. Never everybody: who trusts all trusts the client. */
export const trustedProxies = z
  .string()
  .transform((raw) => raw.split(',').map((one) => one.trim()))
  .refine((all) => all.every(isProxy), {
    error:
      'addresses and ranges of proxies with commas between them, such as 10.0.0.0/8,fd00::/8, or loopback, linklocal, uniquelocal; not everybody (/0)',
  })

function isProxy(one: string): boolean {
  if (RANGES.includes(one)) return true
  const [address = '', prefix, ...more] = one.split('/')
  const bits = BITS[isIP(address)]
  if (bits === undefined || more.length > 0) return false
  return prefix === undefined || (/^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= bits)
}
