import { copyFileSync, readFileSync } from 'node:fs'
import { type AddressInfo, createServer as createPlainServer, type Server } from 'node:net'
import { createServer } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { type Authority, authority, type CertificateFiles } from '../../../test/support/certificates.ts'
import { waitUntil } from '../../../test/support/wait-until.ts'
import type { TlsFiles } from '../../service/tls-settings.ts'
import { tlsEnv } from '../../service/tls-settings.ts'
import { topologyPlan } from '../../topology.ts'
import { connectAmqp } from '../amqp-broker.ts'

const plan = topologyPlan('quorum', { queues: {}, withLadder: false })

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  // The server of a test listens at an address with a port.
  return (server.address() as AddressInfo).port
}

/** Speaks TLS, and no AMQP: enough to see who lets whom in. Counts those that got through. */
async function tlsServer({ cert, key }: CertificateFiles, clientCa?: string) {
  const entered: string[] = []
  const server = createServer(
    {
      cert: readFileSync(cert),
      key: readFileSync(key),
      ...(clientCa !== undefined && { ca: readFileSync(clientCa), requestCert: true, rejectUnauthorized: true }),
    },
    (socket) => {
      entered.push(String(socket.getPeerCertificate().subject?.CN ?? 'nobody'))
      socket.on('error', () => undefined)
      socket.end()
    },
  )
  server.on('tlsClientError', () => undefined)
  return { port: await listening(server), entered }
}

function connecting(url: string, tls: TlsFiles) {
  const broker = connectAmqp(url, { service: 'test', plan, tls })
  onTestFinished(() => broker.close())
  return broker
}

const troubles: readonly {
  readonly what: string
  readonly host?: string
  readonly wish?: { readonly isExpired: boolean }
  readonly trusts?: 'another'
  readonly says: RegExp
}[] = [
  {
    what: 'signed by another authority',
    trusts: 'another',
    says: /signed by nobody who is trusted here\. EBS_AMQP_CA/,
  },
  { what: 'expired', wish: { isExpired: true }, says: /has expired or is not valid yet\. Renew it/ },
  { what: 'of another host', host: '127.0.0.1', says: /for another host\. EBS_AMQP_URL must have a name/ },
]

test.each(troubles)('a certificate of the broker that is $what: not up, and it says what to do', async (trouble) => {
  await using ours = await authority()
  await using another = await authority('another')
  const { port } = await tlsServer(await ours.sign({ name: 'broker', hosts: ['localhost'], ...trouble.wish }))
  const { ca } = trouble.trusts ? another : ours

  const broker = connecting(`amqps://guest:secret@${trouble.host ?? 'localhost'}:${port}`, { ca })

  await waitUntil(() => expect(broker.trouble).toMatch(trouble.says))
  expect(broker.state).toBe('connecting')
  expect(broker.trouble).not.toContain('secret')
})

test('nobody speaks TLS at that port: it says so', async () => {
  await using ours = await authority()
  const port = await listening(createPlainServer((socket) => void socket.end('AMQP\0\0\t\x01')))

  const broker = connecting(`amqps://localhost:${port}`, { ca: ours.ca })

  await waitUntil(() => expect(broker.trouble).toMatch(/Nobody speaks TLS at the port.*5671/))
})

test('a broker that asks for a certificate gets it, and a renewed one with the next connection', async () => {
  await using ours = await authority()
  const { port, entered } = await tlsServer(await ours.sign({ name: 'broker', hosts: ['localhost'] }), ours.ca)
  const files = await ours.sign({ name: 'before' })
  const broker = connecting(`amqps://localhost:${port}`, { ca: ours.ca, ...files })
  await waitUntil(() => expect(entered).toContain('before'))

  await renew(ours, 'after', files)

  await waitUntil(() => expect(entered).toContain('after'))
  expect(broker.state).toBe('connecting')
})

async function renew(by: Authority, name: string, files: CertificateFiles): Promise<void> {
  const renewed = await by.sign({ name })
  copyFileSync(renewed.cert, files.cert)
  copyFileSync(renewed.key, files.key)
}

test('settings: files are tried at start, and every mistake is told', async () => {
  await using ours = await authority()
  const [one, other] = [await ours.sign({ name: 'one' }), await ours.sign({ name: 'other' })]
  const url = { EBS_AMQP_URL: 'amqps://broker' }
  const mistakesOf = (env: Record<string, string>) =>
    tlsEnv({ ...url, ...env }).mistakes.map(({ variable, accepted }) => `${variable}: ${accepted}`)

  expect(tlsEnv(url)).toEqual({ files: undefined, mistakes: [], warnings: [] })
  expect(tlsEnv({ ...url, EBS_AMQP_CA: ours.ca, EBS_AMQP_CERT: one.cert, EBS_AMQP_KEY: one.key })).toEqual({
    files: { ca: ours.ca, ...one },
    mistakes: [],
    warnings: [],
  })
  expect(mistakesOf({ EBS_AMQP_CA: '/nowhere', EBS_AMQP_CERT: one.key, EBS_AMQP_KEY: one.cert })).toEqual([
    expect.stringMatching(/^EBS_AMQP_CA: a file in PEM \(ENOENT/),
    expect.stringMatching(/^EBS_AMQP_CERT: a file in PEM \(/),
    expect.stringMatching(/^EBS_AMQP_KEY: a file in PEM \(/),
  ])
  expect(mistakesOf({ EBS_AMQP_CERT: one.cert })).toEqual(['EBS_AMQP_KEY: a file in PEM, because EBS_AMQP_CERT is set'])
  expect(mistakesOf({ EBS_AMQP_KEY: one.key })).toEqual(['EBS_AMQP_CERT: a file in PEM, because EBS_AMQP_KEY is set'])
  expect(mistakesOf({ EBS_AMQP_CERT: one.cert, EBS_AMQP_KEY: other.key })).toEqual([
    expect.stringMatching(/^EBS_AMQP_KEY: the key of the certificate in EBS_AMQP_CERT \(/),
  ])
  expect(tlsEnv({ EBS_AMQP_URL: 'amqp://broker', EBS_AMQP_CA: ours.ca }).warnings).toEqual([
    'EBS_AMQP_CA: of no use for an EBS_AMQP_URL that does not begin with amqps://',
  ])
})
