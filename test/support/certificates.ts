import './reflect.ts'
import { webcrypto } from 'node:crypto'
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const DAY_MS = 86_400_000
const SERIAL_BYTES = 8

x509.cryptoProvider.set(webcrypto)

export type CertificateFiles = { readonly cert: string; readonly key: string }
type Wish = { readonly name: string; readonly hosts?: readonly string[]; readonly isExpired?: boolean }

/** Who signs certificates, with files in a folder of its own. */
export type Authority = AsyncDisposable & {
  readonly ca: string
  /** Signs a certificate for these hosts; gives its files. */
  sign(wish: Wish): Promise<CertificateFiles>
}

/** Makes an authority; on disposal its files are removed. */
export async function authority(name = 'test authority'): Promise<Authority> {
  const folder = mkdtempSync(join(tmpdir(), 'ebs-tls-'))
  // The user that a broker runs as reads them, too.
  chmodSync(folder, 0o755)
  const keys = await newKeys()
  const own = await x509.X509CertificateGenerator.createSelfSigned({
    ...datesOf(false),
    name: `CN=${name}`,
    serialNumber: serial(),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  })
  const write = (file: string, text: string) => {
    const path = join(folder, file)
    writeFileSync(path, text, { mode: 0o644 })
    return path
  }
  const ca = write('ca.pem', own.toString('pem'))
  return {
    ca,
    async sign({ name: subject, hosts = [], isExpired = false }) {
      const pair = await newKeys()
      const signed = await x509.X509CertificateGenerator.create({
        ...datesOf(isExpired),
        subject: `CN=${subject}`,
        issuer: own.subject,
        serialNumber: serial(),
        publicKey: pair.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: ALGORITHM,
        extensions: [
          new x509.BasicConstraintsExtension(false),
          ...(hosts.length > 0
            ? [
                new x509.SubjectAlternativeNameExtension(
                  hosts.map((value) => ({ type: /^[\d.]+$/.test(value) ? ('ip' as const) : ('dns' as const), value })),
                ),
              ]
            : []),
        ],
      })
      const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', pair.privateKey))
      const pem = x509.PemConverter.encode(key, 'PRIVATE KEY')
      return { cert: write(`${subject}.pem`, signed.toString('pem')), key: write(`${subject}.key.pem`, pem) }
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

const newKeys = () => webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
const serial = () => Buffer.from(webcrypto.getRandomValues(new Uint8Array(SERIAL_BYTES))).toString('hex')
const datesOf = (isExpired: boolean) => ({
  notBefore: new Date(Date.now() - 2 * DAY_MS),
  notAfter: new Date(Date.now() + (isExpired ? -DAY_MS : DAY_MS)),
})
