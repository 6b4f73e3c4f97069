import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { amqpUrlsIn } from './amqp-urls.ts'
import type { Mistake } from './errors.ts'

/** Files with certificates and a key in PEM, for `amqps://`. */
export type TlsFiles = {
  /** Who signed the broker's certificate; missing: those that Node trusts. */
  readonly ca?: string
  /** Of this side, for brokers that ask for one. */
  readonly cert?: string
  readonly key?: string
}

export const tlsVariables = ['EBS_AMQP_CA', 'EBS_AMQP_CERT', 'EBS_AMQP_KEY'] as const

type Env = Readonly<Record<string, string | undefined>>

/** Reads them, and tries whether they are what they should be. */
export function tlsEnv(env: Env): {
  readonly files: TlsFiles | undefined
  readonly mistakes: readonly Mistake[]
  readonly warnings: readonly string[]
} {
  const given = tlsVariables.filter((variable) => env[variable])
  if (given.length === 0) return { files: undefined, mistakes: [], warnings: [] }
  const { EBS_AMQP_CA: ca, EBS_AMQP_CERT: cert, EBS_AMQP_KEY: key, EBS_AMQP_URL: url = '' } = env
  const mistakes = given.flatMap((variable) => {
    const path = env[variable] ?? ''
    const problem = problemIn(path, variable)
    return problem === undefined ? [] : [{ variable, given: path, accepted: `a file in PEM (${problem})` }]
  })
  const half =
    cert === undefined && key !== undefined
      ? 'EBS_AMQP_CERT'
      : key === undefined && cert !== undefined
        ? 'EBS_AMQP_KEY'
        : undefined
  if (half !== undefined) {
    const other = half === 'EBS_AMQP_CERT' ? 'EBS_AMQP_KEY' : 'EBS_AMQP_CERT'
    mistakes.push({ variable: half, given: '', accepted: `a file in PEM, because ${other} is set` })
  }
  if (mistakes.length === 0 && cert !== undefined && key !== undefined) {
    const problem = problemOf(() => createSecureContext({ cert: readFileSync(cert), key: readFileSync(key) }))
    if (problem !== undefined)
      mistakes.push({
        variable: 'EBS_AMQP_KEY',
        given: key,
        accepted: `the key of the certificate in EBS_AMQP_CERT (${problem})`,
      })
  }
  const isPlain = amqpUrlsIn(url).some((one) => !one.startsWith('amqps://'))
  return {
    files: { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) },
    mistakes,
    warnings: isPlain ? [`${given.join(', ')}: of no use for an EBS_AMQP_URL that does not begin with amqps://`] : [],
  }
}

function problemIn(path: string, variable: (typeof tlsVariables)[number]): string | undefined {
  return problemOf(() => {
    const text = readFileSync(path)
    if (variable === 'EBS_AMQP_CA') createSecureContext({ ca: text })
    if (variable === 'EBS_AMQP_CERT') createSecureContext({ cert: text })
    if (variable === 'EBS_AMQP_KEY') createSecureContext({ key: text })
  })
}

function problemOf(attempt: () => void): string | undefined {
  try {
    attempt()
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
