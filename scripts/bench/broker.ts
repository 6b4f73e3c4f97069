import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { amqpUrlOf, bootNode, choosePorts, managementUrlOf } from '../broker/private-node.ts'
import { findRabbitmqServer } from '../broker/programs.ts'
import { brokerFromEnvironment, programFolders } from './config.ts'
import { undoneOnInterrupt } from './interrupt.ts'
import type { BenchBroker } from './vhost.ts'

/** The broker that the environment names, or a private node in a temporary folder that ends with the benchmark. */
export async function useBroker(): Promise<BenchBroker & AsyncDisposable> {
  const { amqpUrl, managementUrl } = brokerFromEnvironment
  if (amqpUrl && managementUrl) return { amqpUrl, managementUrl, [Symbol.asyncDispose]: async () => undefined }
  if (amqpUrl || managementUrl)
    throw new Error('A benchmark needs both EBS_AMQP_URL and EBS_AMQP_MANAGEMENT_URL, or neither.')
  const program = findRabbitmqServer(programFolders)
  if (!program)
    throw new Error('There is no rabbitmq-server here: install it, or set EBS_AMQP_URL and EBS_AMQP_MANAGEMENT_URL.')

  console.error('Starting a private RabbitMQ node for the benchmark ...')
  const folder = await mkdtemp(join(tmpdir(), 'ebs-bench-node-'))
  const ports = await choosePorts({})
  const interrupted = new AbortController()
  const node = await bootNode({ folder, program, path: programFolders }, ports, interrupted.signal)
  return {
    amqpUrl: amqpUrlOf(ports),
    managementUrl: managementUrlOf(ports),
    [Symbol.asyncDispose]: undoneOnInterrupt(async () => {
      await node.stop()
      await rm(folder, { recursive: true })
    }),
  }
}
