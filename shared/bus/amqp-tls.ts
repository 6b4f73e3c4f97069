import { readFileSync } from 'node:fs'
import type { TlsFiles } from '../service/tls-settings.ts'

/**
 * Certificates for connections by `amqps://`, as options of Node's TLS. Read again by `refresh`: amqplib copies its options once and keeps
 * these arrays, so what they hold may change between two connections.
 */
export class TlsMaterial {
  readonly options: { readonly ca?: string[]; readonly cert?: string[]; readonly key?: string[] }
  readonly #files: TlsFiles
  /** Why the files could not be read the last time; what was read before is used. */
  problem: string | undefined

  constructor(files: TlsFiles = {}) {
    this.#files = files
    this.options = {
      ...(files.ca !== undefined && { ca: [] }),
      ...(files.cert !== undefined && { cert: [] }),
      ...(files.key !== undefined && { key: [] }),
    }
    this.refresh()
  }

  /** Reads the files, so that certificates which were renewed are taken. When one cannot be read, all stay as they were. */
  refresh(): void {
    try {
      this.#read()
      this.problem = undefined
    } catch (error) {
      this.problem = error instanceof Error ? error.message : String(error)
    }
  }

  #read(): void {
    const read = (['ca', 'cert', 'key'] as const).map((name) => {
      const path = this.#files[name]
      return { kept: this.options[name], text: path === undefined ? '' : readFileSync(path, 'utf8') }
    })
    for (const { kept, text } of read) kept?.splice(0, kept.length, text)
  }
}
