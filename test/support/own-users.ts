import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { definitionsOf } from '../../scripts/broker/definitions.ts'
import { findFreePort } from '../../scripts/broker/free-port.ts'
import type { ServiceName } from '../../scripts/services.ts'
import { activityNames } from '../../services/processor/activities/table.ts'
import { type Authority, authority, type CertificateFiles } from './certificates.ts'
import { type PrivateBroker, privateBroker } from './private-broker.ts'
import { type TestVhost, testVhost } from './vhost.ts'

/** A broker with TLS on which each service has its own user, and a client certificate of its own where it is asked for one. */
export type SecuredBroker = {
  readonly broker: PrivateBroker
  readonly vhost: TestVhost
  readonly trust: Authority
  readonly ca: string
  /** Where a user connects, by TLS. Missing password: the one of the definitions. */
  urlOf(user: string, password?: string): string
  /** What a service is started with. */
  envOf(service: ServiceName, password?: string): Record<string, string>
  sign(name: string): Promise<CertificateFiles>
}

const EXAMPLES = join(import.meta.dirname, '..', '..', 'docs', 'examples', 'journeys')

/** Boots it and imports the definitions; ends with the test. */
export async function securedBroker(): Promise<SecuredBroker> {
  const trust = await authority()
  const broker = await privateBroker()
  onTestFinished(async () => {
    await broker[Symbol.asyncDispose]()
    await trust[Symbol.asyncDispose]()
  })
  const { cert, key } = await trust.sign({ name: 'broker', hosts: ['localhost', '127.0.0.1'] })
  const port = await findFreePort()
  await broker.boot({
    'listeners.ssl.1': `127.0.0.1:${port}`,
    'ssl_options.cacertfile': trust.ca,
    'ssl_options.certfile': cert,
    'ssl_options.keyfile': key,
    // Who shows a certificate shows a valid one.
    'ssl_options.verify': 'verify_peer',
    'ssl_options.fail_if_no_peer_cert': 'false',
  })
  const vhost = await testVhost(broker)
  const urlOf = (user: string, password = user) => `amqps://${user}:${password}@localhost:${port}/${vhost.name}`
  const managementUrlOf = (user: string, password = user) =>
    vhost.managementUrl.replace(/\/\/[^@]*@/, `//${user}:${password}@`)
  return {
    ...{ broker, vhost, trust, urlOf },
    ca: trust.ca,
    envOf: (service, password) => ({
      EBS_TOPOLOGY: 'verify',
      EBS_AMQP_URL: urlOf(service, password),
      EBS_AMQP_CA: trust.ca,
      EBS_AMQP_MANAGEMENT_URL: service === 'hub' || service === 'statistics' ? managementUrlOf(service, password) : '',
      ...(service === 'processor' && { EBS_ACTIVITIES: 'all' }),
      ...(service === 'hub' && { EBS_DEFINITIONS_DIR: EXAMPLES }),
    }),
    sign: (name) => trust.sign({ name }),
  }
}

/** Imports users, rights and topology, as `ebs topology definitions` prints them. */
export async function importDefinitions({ vhost }: Pick<SecuredBroker, 'vhost'>, only?: 'users'): Promise<void> {
  const options = { queueType: 'quorum', activities: activityNames, withBreakers: false, passwords: new Map() } as const
  const { users, permissions, topic_permissions, ...topology } = definitionsOf({ ...options, vhost: vhost.name })
  const rights = { users, permissions, topic_permissions }
  await vhost.management('POST', '/api/definitions', only ? rights : { ...rights, ...topology })
}
