import { request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { probeAmqp } from '../../shared/bus/probe.ts'
import type { Exit, Running } from '../running.ts'
import { isManagementUp } from './management.ts'

const image = 'rabbitmq:4.3.6-management'

/** The image is there; a broker on a slow machine takes its time. */
const BOOT_MS_MAX = 120_000
const POLL_MS = 200
/** An engine on this machine answers in milliseconds. */
const PING_MS_MAX = 2_000

const defaultSocket = '/var/run/docker.sock'

/** Whether a Docker engine answers, at `DOCKER_HOST` or at the usual socket. */
export function isDockerUp(dockerHost: string | undefined): Promise<boolean> {
  const where = addressOf(dockerHost)
  if (where === undefined) return Promise.resolve(false)
  return new Promise((resolve) => {
    const ping = request({ ...where, path: '/_ping', timeout: PING_MS_MAX }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    ping.once('timeout', () => ping.destroy())
    ping.once('error', () => resolve(false))
    ping.once('close', () => resolve(false))
    ping.end()
  })
}

/** Engines behind ssh or TLS are not asked; testcontainers would not reach the container's ports there either. */
function addressOf(
  dockerHost: string | undefined,
): { socketPath: string } | { host: string; port: string } | undefined {
  if (dockerHost === undefined) return { socketPath: defaultSocket }
  if (!URL.canParse(dockerHost)) return undefined
  const url = new URL(dockerHost)
  if (url.protocol === 'unix:') return { socketPath: url.pathname }
  return url.protocol === 'tcp:' || url.protocol === 'http:' ? { host: url.hostname, port: url.port } : undefined
}

/** A broker in a container on ports that the engine picks. It is removed with its data when stopped or when this process ends. */
export async function startContainer(): Promise<{ amqpUrl: string; managementUrl: string; running: Running }> {
  // Loaded here because it takes half a second, which nobody without Docker should wait for.
  const { GenericContainer, Wait } = await import('testcontainers')
  const container = await new GenericContainer(image)
    .withExposedPorts(5672, 15672)
    .withWaitStrategy(Wait.forListeningPorts().withStartupTimeout(BOOT_MS_MAX))
    .start()
  const at = (port: number) => `guest:guest@${container.getHost()}:${container.getMappedPort(port)}`
  const running = runningContainer(container)
  const [amqpUrl, managementUrl] = [`amqp://${at(5672)}`, `http://${at(15672)}`]
  try {
    await untilServing(amqpUrl, managementUrl)
  } catch (error) {
    await running.stop()
    throw error
  }
  return { amqpUrl, managementUrl, running }
}

/** A container that has started. It ends when we stop it, once; when it dies the services wait, as for any broker, and `docker start` brings it back. */
export function runningContainer(container: { stop(): Promise<unknown> }): Running {
  let end: (exit: Exit) => void = () => {}
  const exited = new Promise<Exit>((resolve) => {
    end = resolve
  })
  let removed: Promise<void> | undefined
  const remove = async () => {
    await container.stop()
    end({ code: 0, signal: null })
  }
  const stop = () => {
    removed ??= remove()
    return removed
  }
  return { exited, stop, kill: stop }
}

/** Ports listen before the broker serves: it is asked, as a client would. */
async function untilServing(amqpUrl: string, managementUrl: string): Promise<void> {
  const giveUpAt = Date.now() + BOOT_MS_MAX
  while ((await probeAmqp(amqpUrl)) !== 'ok' || !(await isManagementUp(managementUrl))) {
    if (Date.now() > giveUpAt)
      throw new Error(`The container of ${image} did not serve within ${BOOT_MS_MAX / 1_000} s.`)
    await pause(POLL_MS)
  }
}
