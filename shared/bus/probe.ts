import { connect } from 'amqplib'
import { amqpUrlsIn } from '../service/amqp-urls.ts'
import type { TlsFiles } from '../service/tls-settings.ts'
import { closeConnection, tend } from './amqp-goodbye.ts'
import { TlsMaterial } from './amqp-tls.ts'

/** `refused`: nobody speaks AMQP there (yet); `not-allowed`: a broker does, but not with this user or virtual host. */
export type ProbeResult = 'ok' | 'refused' | 'not-allowed'

/** A broker on the same machine answers in milliseconds; one across a network in far less than this. */
const PROBE_MS_MAX = 3_000

/**
 * Opens a connection and closes it again. Never rejects: what is no broker is `refused`. Of several urls the first that lets us in
 * counts, or else the last. `files` are for `amqps://`.
 */
export async function probeAmqp(urls: string, files?: TlsFiles): Promise<ProbeResult> {
  const tls = new TlsMaterial(files)
  let result: ProbeResult = 'refused'
  for (const url of amqpUrlsIn(urls)) if (result !== 'ok') result = await probe(url, tls)
  return result
}

async function probe(url: string, tls: TlsMaterial): Promise<ProbeResult> {
  try {
    const connection = await connect(url, { ...tls.options, timeout: PROBE_MS_MAX })
    tend(connection)
    // A broker that goes away now answered all the same.
    await closeConnection(connection)
    return 'ok'
  } catch (error) {
    // The second is how amqplib reports a virtual host that is not there, or that this user may not enter.
    return /ACCESS_REFUSED|Expected ConnectionOpenOk/.test(String(error)) ? 'not-allowed' : 'refused'
  }
}
