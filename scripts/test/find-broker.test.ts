import { expect, test } from 'vitest'
import { authority } from '../../test/support/certificates.ts'
import { tlsFront } from '../../test/support/tls-front.ts'
import { testVhost } from '../../test/support/vhost.ts'
import { findBroker } from '../broker/find-broker.ts'
import { readSetUpConfig } from '../config.ts'
import { temporaryFolder } from './temporary-folder.ts'

const { signal } = new AbortController()

test('a broker by amqps:// is found with the certificates of the configuration, and with no others', async () => {
  using folder = temporaryFolder()
  await using ours = await authority()
  await using another = await authority('another')
  await using vhost = await testVhost()
  await using front = await tlsFront(vhost.url, await ours.sign({ name: 'broker', hosts: ['localhost'] }), ours.ca)
  const { cert, key } = await ours.sign({ name: 'start' })
  const own = { EBS_AMQP_CERT: cert, EBS_AMQP_KEY: key }
  const isFound = async (files: Record<string, string>) => {
    const config = readSetUpConfig(folder.path, { EBS_BROKER: 'url', EBS_AMQP_URL: front.url, ...files })
    const { isUp, amqpUrl } = await findBroker({ config, purpose: 'start', folder: folder.path, signal })
    expect(amqpUrl).toBe(front.url)
    return isUp
  }

  expect(await isFound({ ...own, EBS_AMQP_CA: ours.ca })).toBe(true)
  expect(await isFound({ ...own, EBS_AMQP_CA: another.ca })).toBe(false)
  expect(await isFound({ EBS_AMQP_CA: ours.ca })).toBe(false)
  expect(await isFound({})).toBe(false)
})
