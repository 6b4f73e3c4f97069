import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { markOf, type NodePorts } from './node-state.ts'

/** RabbitMQ stops taking messages below this. Its default of 50 MB is gone within a second of a flood. */
const DISK_FREE_BYTES_MIN = 200_000_000

/** A share of the machine, and on a large one not more than a development broker needs for a million waiting messages. */
const MEMORY_SHARE_MAX = 0.4
const MEMORY_BYTES_MAX = 2 * 1024 ** 3

/** The same on every start and every machine: a node finds its data by its name. */
const nodeName = 'ebs@localhost'

const LOG_LINES_SHOWN = 25

/** Writes the configuration of a private node: loopback only, its own ports, management plugin on. */
export function writeNodeFiles(folder: string, ports: NodePorts): void {
  for (const name of ['home', 'log', 'data', 'conf.d']) mkdirSync(join(folder, name), { recursive: true })
  const memoryBytes = Math.floor(Math.min(MEMORY_BYTES_MAX, totalmem() * MEMORY_SHARE_MAX))
  const settings = {
    'listeners.tcp.1': `127.0.0.1:${ports.amqp}`,
    'management.tcp.ip': '127.0.0.1',
    'management.tcp.port': ports.management,
    'vm_memory_high_watermark.absolute': memoryBytes,
    'disk_free_limit.absolute': DISK_FREE_BYTES_MIN,
    'log.console': false,
    'log.file.rotation.size': 10_000_000,
    'log.file.rotation.count': 3,
  }
  const lines = Object.entries(settings).map(([key, value]) => `${key} = ${value}\n`)
  writeFileSync(join(folder, 'rabbitmq.conf'), lines.join(''))
  writeFileSync(join(folder, 'enabled_plugins'), '[rabbitmq_management].\n')
  // Instead of those in /etc/rabbitmq, which may name another node or other ports.
  writeFileSync(join(folder, 'environment.conf'), '')
  writeFileSync(join(folder, 'advanced.config'), '[].\n')
}

/** All that keeps a node apart from any other on the machine. It inherits nothing. */
export function nodeEnvironment(folder: string, ports: NodePorts, path: readonly string[]): NodeJS.ProcessEnv {
  return {
    PATH: [...path, '/usr/sbin', '/usr/bin', '/sbin', '/bin'].join(':'),
    LC_ALL: 'C.UTF-8',
    // The Erlang cookie is made there.
    HOME: join(folder, 'home'),
    RABBITMQ_NODENAME: nodeName,
    RABBITMQ_NODE_PORT: String(ports.amqp),
    RABBITMQ_DIST_PORT: String(ports.distribution),
    ERL_EPMD_PORT: String(ports.epmd),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_CONFIG_FILES: join(folder, 'conf.d'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, 'advanced.config'),
    RABBITMQ_CONF_ENV_FILE: join(folder, 'environment.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: `-kernel inet_dist_use_interface {127,0,0,1} ${markOf(ports).join(' ')}`,
    // The start script becomes the node instead of waiting for it: one process, whose number is the node's.
    RUNNING_UNDER_SYSTEMD: 'true',
  }
}

const consoleLog = (folder: string) => join(folder, 'log', 'console.log')

/** Opens what the node's start script writes to; the caller closes it when the node has it. */
export function openConsoleLog(folder: string): Disposable & { readonly fd: number } {
  const fd = openSync(consoleLog(folder), 'w')
  return { fd, [Symbol.dispose]: () => closeSync(fd) }
}

/** The last lines that a node wrote before it gave up. */
export const lastWords = (folder: string) =>
  readFileSync(consoleLog(folder), 'utf8').trimEnd().split('\n').slice(-LOG_LINES_SHOWN).join('\n')
