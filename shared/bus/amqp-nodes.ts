import { unescape as decode } from 'node:querystring'
import type { Options } from 'amqplib'
import { amqpUrlsIn } from '../service/amqp-urls.ts'
import type { TlsFiles } from '../service/tls-settings.ts'
import { TlsMaterial } from './amqp-tls.ts'

/** A peer that vanished without a word is noticed after two of these. */
const HEARTBEAT_S = 10
const NUMBERS = ['channelMax', 'frameMax', 'heartbeat', 'maxFrameSize']

/** The nodes of a broker in turn. */
export class AmqpNodes {
  readonly #addresses: readonly Options.Connect[]
  #turn = 0
  /** For `amqps://`; the files are read here, and again when a connection was lost or could not be made. */
  readonly tls: TlsMaterial

  constructor(setting: string, tls?: TlsFiles) {
    this.tls = new TlsMaterial(tls)
    this.#addresses = amqpUrlsIn(setting).map(addressOf)
  }

  get count(): number {
    return this.#addresses.length
  }

  /** The address of the node whose turn it is. */
  get current(): Options.Connect {
    return this.#addresses[this.#turn] ?? {}
  }

  /** From now on it is the next one's turn; behind the last one comes the first. */
  turn(): void {
    this.#turn = (this.#turn + 1) % this.count
    this.tls.refresh()
  }
}

/** All that amqplib reads of a url, and the heartbeat, which it takes from there only; one that is given stays. */
function addressOf(url: string): Options.Connect {
  const { protocol, hostname, port, username, password, pathname, searchParams } = new URL(url)
  const given = NUMBERS.flatMap((name) => (searchParams.has(name) ? [[name, Number(searchParams.get(name))]] : []))
  return {
    heartbeat: HEARTBEAT_S,
    ...Object.fromEntries(given),
    protocol: protocol.slice(0, -1),
    hostname: hostname.replaceAll(/[[\]]/g, ''),
    ...(port !== '' && { port: Number(port) }),
    ...(username + password !== '' && { username: decode(username), password: decode(password) }),
    vhost: pathname.slice(1),
    ...(searchParams.has('locale') && { locale: searchParams.get('locale') ?? '' }),
  }
}
