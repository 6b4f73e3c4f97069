import { probeAmqp } from '../../shared/bus/probe.ts'
import { redactUrl } from '../../shared/service/redact.ts'
import type { SetUpConfig } from '../config.ts'
import { say, showProgress } from '../progress.ts'
import { findApt, installRabbitmq } from './apt.ts'
import { isDockerUp, startContainer } from './docker.ts'
import type { FoundBroker } from './found-broker.ts'
import { isManagementUp } from './management.ts'
import { findLeftover, openNode, takeLeftover } from './open-node.ts'
import { findRabbitmqServer } from './programs.ts'
import { type Purpose, takeFirst, type Way, type WayIn, waysToTry } from './ways.ts'

export type Search = {
  readonly config: SetUpConfig
  readonly purpose: Purpose
  /** Of the private node. */
  readonly folder: string
  readonly signal: AbortSignal
}

const usualPorts = { amqp: 5672, management: 15672 } as const
const usualAmqpUrl = `amqp://guest:guest@127.0.0.1:${usualPorts.amqp}`
const usualManagementUrl = `http://guest:guest@127.0.0.1:${usualPorts.management}`

/** Finds a broker or provides one, the first way that works. Rejects with NoBrokerError when there is none. */
export function findBroker(search: Search): Promise<FoundBroker> {
  const { forced } = search.config
  const order = waysToTry(search.purpose, forced === 'memory' ? undefined : forced)
  return takeFirst(order, waysInto(search), (_, error) => {
    search.signal.throwIfAborted()
    say(error instanceof Error ? error.message : String(error))
  })
}

function waysInto({ config, purpose, folder, signal }: Search): Readonly<Record<Way, WayIn<FoundBroker>>> {
  const place = () => ({ folder, program: findRabbitmqServer(config.path) ?? '', path: config.path })
  const hasProgram = () => findRabbitmqServer(config.path) !== undefined
  const open = () => openNode(place(), purpose === 'start' ? usualPorts : {}, signal)
  const apt = () => findApt(config.path)
  return {
    url: { isOpen: () => config.amqpUrl !== undefined, take: () => byUrl(config) },
    leftover: {
      isOpen: () => findLeftover(folder) !== undefined,
      take: async () => {
        const state = findLeftover(folder)
        return state && takeLeftover(place(), state, signal)
      },
    },
    running: { isOpen: answersAsGuest, take: () => byUsualPort(config) },
    local: { isOpen: hasProgram, take: open },
    docker: { isOpen: () => isDockerUp(config.dockerHost), take: byDocker },
    apt: {
      isOpen: async () => !hasProgram() && (await apt()) !== undefined,
      take: async () => {
        const found = await apt()
        if (found) await installRabbitmq(found, signal)
        return open()
      },
    },
  }
}

async function byUrl({ amqpUrl, amqpTls, amqpManagementUrl }: SetUpConfig): Promise<FoundBroker | undefined> {
  if (amqpUrl === undefined) return undefined
  const isUp = (await probeAmqp(amqpUrl, amqpTls)) === 'ok'
  const found = isUp ? 'using' : 'waiting for'
  say(`${found} the broker at ${redactUrl(amqpUrl)}${isUp ? '' : ', which does not let us in yet'}`)
  return { amqpUrl, managementUrl: amqpManagementUrl, isUp }
}

async function answersAsGuest(): Promise<boolean> {
  const answer = await probeAmqp(usualAmqpUrl)
  if (answer === 'not-allowed') {
    say(
      `a broker on 127.0.0.1:${usualPorts.amqp} does not let guest/guest in: EBS_AMQP_URL with a user of it would use it`,
    )
  }
  return answer === 'ok'
}

async function byUsualPort({ amqpManagementUrl }: SetUpConfig): Promise<FoundBroker> {
  say(`using the broker that runs on 127.0.0.1:${usualPorts.amqp}`)
  const isHere = amqpManagementUrl === undefined && (await isManagementUp(usualManagementUrl))
  return { amqpUrl: usualAmqpUrl, managementUrl: isHere ? usualManagementUrl : amqpManagementUrl, isUp: true }
}

async function byDocker(): Promise<FoundBroker> {
  const title = 'starting RabbitMQ in a container (rabbitmq:4.3.6-management)'
  say(title)
  const { amqpUrl, managementUrl, running } = await showProgress(title, startContainer())
  return { amqpUrl, managementUrl, isUp: true, owned: { running } }
}
