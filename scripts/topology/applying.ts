import { setTimeout as pause } from 'node:timers/promises'
import type { AmqpMoveLink } from '../../shared/bus/amqp-move-link.ts'
import { TopologyDriftError } from '../../shared/bus/broker.ts'
import { counted, spanOf } from '../cli/wording.ts'
import type { Act, Change, Task } from './change.ts'
import type { BrokerLook } from './found.ts'
import { strangePolicies } from './policies.ts'
import { Turns } from './turns.ts'
import { ownerOf, standInOf } from './wanted.ts'
import { saysAct, saysStandStill, saysUsed, saysWho } from './words.ts'

/** The broker's numbers are gathered every five seconds: what it has said for longer is so. */
const STATS_MS = 6_000
/** A message that was on its way to a queue when that was unbound has come by then. */
const QUIET_MS = 1_000
const LOOK_AGAIN_MS = 100
/** Of a queue that others empty, or that runs out. */
const FULL_AGAIN_MS = 500
/** What only a person, or the broker's numbers, can change. */
const SLOW_AGAIN_MS = 1_000
/** Which policy applies to a queue is known 5 s after it was declared. */
const POLICY_MS_MAX = 20_000
/** Moves that moved nothing of what a queue said it had. Each has waited for a minute, or was overtaken by a consumer. */
const FRUITLESS_MAX = 2
/** Moving takes the broker's processors, and memory for what is on its way. */
const MOVES_AT_ONCE = 4
/** What comes faster than it can be moved is left to the time when nothing comes any more. */
const PASSES_MAX = 4
/** A quorum queue refuses for some 100 ms after it was declared, while it has no leader: 5 s in all. */
const REFUSED_PAUSES_MS = [100, 200, 400, 800, 1_500, 2_000]

export type Applying = {
  readonly link: Pick<
    AmqpMoveLink,
    'declareExchange' | 'declareQueue' | 'bind' | 'unbind' | 'count' | 'move' | 'remove'
  >
  readonly look: Pick<BrokerLook, 'unsettled' | 'bindingsTo' | 'consumersOf' | 'policyOf'>
  /** How long one queue is waited for: for its consumers to go, for a rung to run out. */
  readonly waitMs: number
  /** Consumers are cut off when there is nothing left for them. */
  readonly isCutting: boolean
  /** Told before each step. */
  readonly onAct: (task: Task, act: Act) => void
  /** Told of what lasts. */
  readonly say: (text: string) => void
  readonly statsMs?: number
  readonly quietMs?: number
}

export type Applied = {
  /** Messages that were moved. */
  readonly moved: number
  readonly left: readonly Left[]
}

/** Not done, or not to its end. `isMoot`: it is to be planned anew at once. */
export type Left = { readonly name: string; readonly why: string; readonly isMoot: boolean }

/** A queue is left as it is now: nothing is lost, and another run goes on from there. */
class LeftError extends Error {
  override readonly name = 'LeftError'
  readonly isMoot: boolean

  constructor(message: string, isMoot = false) {
    super(message)
    this.isMoot = isMoot
  }
}

/** Does all that is planned: exchanges first, then all queues at once. Rejects when the broker is lost. */
export async function applyChange({ tasks }: Pick<Change, 'tasks'>, applying: Applying): Promise<Applied> {
  const left: Left[] = []
  const run = new Run(applying)
  const attempt = async (task: Task) => {
    try {
      for (const act of task.acts) {
        applying.onAct(task, act)
        await run.do(act)
      }
    } catch (error) {
      if (!(error instanceof LeftError)) throw error
      left.push({ name: task.name, why: error.message, isMoot: error.isMoot })
    }
  }
  for (const task of tasks) if (task.kind === 'exchange') await attempt(task)
  const ended = await Promise.allSettled(tasks.filter(({ kind }) => kind === 'queue').map(attempt))
  for (const one of ended) if (one.status === 'rejected') throw one.reason
  return { moved: run.moved, left }
}

type Counted = { readonly messages: number; readonly consumers: number; readonly unsettled: number | undefined }

class Run {
  moved = 0
  readonly #applying: Applying
  readonly #turns = new Turns(MOVES_AT_ONCE)
  /** Stand-ins in which messages are as safe as in their own queues. */
  readonly #safe = new Set<string>()
  /** Queues that are unbound: what is new waits in their stand-ins. */
  readonly #stopped = new Set<string>()
  readonly #fruitless = new Map<string, number>()

  constructor(applying: Applying) {
    this.#applying = applying
  }

  async do(act: Act): Promise<void> {
    const { link } = this.#applying
    switch (act.act) {
      case 'declare-exchange':
        return this.#declare(() => link.declareExchange(act.exchange))
      case 'declare-queue':
        return this.#declare(() => link.declareQueue(act.queue))
      case 'leave':
        return this.#leave(act.queue)
      case 'move':
        await this.#checkPolicies(act.to)
        return this.#move(act)
      case 'bind':
        await this.#checkPolicies(act.queue)
        return link.bind(act.bindings)
      case 'unbind':
        return link.unbind(act.bindings)
      case 'drain':
        if (act.to === standInOf(act.from)) this.#stopped.add(act.from)
        return this.#empty(act.from, { to: act.to, act })
      case 'run-out':
        return this.#empty(act.queue, { to: undefined, act })
      case 'remove':
        return this.#remove(act)
    }
  }

  async #declare(declare: () => Promise<void>): Promise<void> {
    try {
      await declare()
    } catch (error) {
      if (!(error instanceof TopologyDriftError)) throw error
      throw new LeftError(
        'somebody has declared it with the old arguments just now: a service that still runs with them. Stop it, or set EBS_TOPOLOGY=verify for it',
        true,
      )
    }
  }

  /** A policy that matches the stand-in's name and not the queue's would drop what is moved there, and nobody would be told. */
  async #checkPolicies(standIn: string): Promise<void> {
    const queue = ownerOf(standIn)
    if (queue === undefined || this.#safe.has(standIn)) return
    const { look } = this.#applying
    const known = async (name: string) => {
      const untilMs = performance.now() + POLICY_MS_MAX
      for (;;) {
        const policy = await look.policyOf(name)
        if (policy) return policy
        if (performance.now() > untilMs) throw new LeftError(`the broker does not say which policy applies to ${name}`)
        await pause(SLOW_AGAIN_MS)
      }
    }
    const isThere = (await this.#applying.link.count(queue)) !== undefined
    const strange = strangePolicies(await known(standIn), isThere ? await known(queue) : {})
    if (strange.length > 0)
      throw new LeftError(
        `a policy gives ${standIn} other limits than ${queue} (${strange.join(', ')}), and messages could be lost there. Let one of a higher priority match both, ^${queue}(\\.moving)?$, and run this again`,
      )
    this.#safe.add(standIn)
  }

  async #leave(queue: string): Promise<void> {
    const { isCutting, waitMs, say, look } = this.#applying
    if (isCutting) return
    const untilMs = performance.now() + waitMs
    const names = async () => saysWho(await look.consumersOf(queue))
    for (let isTold = false; (await this.#consumers(queue)) > 0; isTold = true) {
      if (!isTold)
        say(`${queue} is consumed by ${await names()}. Stop that: it is waited for, ${spanOf(waitMs)} at most.`)
      const leftMs = untilMs - performance.now()
      if (leftMs <= 0)
        throw new LeftError(
          `it is still consumed, by ${await names()}. Stop that and run this again; nothing was changed here`,
        )
      await pause(Math.min(SLOW_AGAIN_MS, leftMs))
    }
  }

  async #consumers(queue: string): Promise<number> {
    return (await this.#applying.link.count(queue))?.consumers ?? 0
  }

  /** In passes, while more comes behind. Where somebody consumes, that is left to them. */
  async #move({ from, to }: { readonly from: string; readonly to: string }): Promise<void> {
    for (let pass = 0; pass < PASSES_MAX; pass++) {
      const found = await this.#applying.link.count(from)
      if (!found || found.messages === 0 || found.consumers > 0) return
      await this.#moveSome(from, to, found.messages)
    }
  }

  async #moveSome(from: string, to: string, count: number): Promise<void> {
    const before = await this.#applying.link.count(to)
    const moved = await this.#turns.take(() => this.#moveUnrefused(from, to, count))
    this.moved += moved
    const fruitless = moved > 0 ? 0 : (this.#fruitless.get(from) ?? 0) + 1
    this.#fruitless.set(from, fruitless)
    if (fruitless >= FRUITLESS_MAX)
      throw new LeftError(
        `${from} says that it has ${counted(count, 'message')}, and gives none. Look at it, and at the log of its node, and run this again${this.#standStill(from)}`,
      )
    const after = await this.#applying.link.count(to)
    if (before && after && before.consumers + after.consumers === 0 && after.messages < moved)
      throw new LeftError(
        `${counted(moved, 'message')} went to ${to}, and it has ${after.messages}: something takes or drops them there. Look at the policies that apply to it (max-length, message-ttl) before you run this again${this.#standStill(from)}`,
      )
  }

  async #moveUnrefused(from: string, to: string, count: number): Promise<number> {
    const isHolding = /^ebs\.|\.dead(?:\.moving)?$/.test(from)
    const move = () => this.#applying.link.move({ from, to, count, isHolding })
    for (const pauseMs of REFUSED_PAUSES_MS)
      try {
        return await move()
      } catch (error) {
        if (!(error instanceof Error && error.message.includes('refuses'))) throw error
        await pause(pauseMs)
      }
    return move()
  }

  /** What that means for what comes, and the way back. */
  #standStill(queue: string): string {
    return this.#stopped.has(queue) ? `. ${saysStandStill(queue)}` : ''
  }

  /**
   * Until a queue, which is unbound, is empty, and nobody has held a message of it for longer than the broker's numbers are old. What is
   * in it is moved, where there is somewhere to move it and nobody consumes.
   */
  async #empty(queue: string, { to, act }: { readonly to: string | undefined; readonly act: Act }): Promise<void> {
    const { link, look, isCutting, waitMs, statsMs = STATS_MS, quietMs = QUIET_MS } = this.#applying
    const untilMs = performance.now() + waitMs
    const knownMs = Math.max(quietMs, statsMs)
    // Nobody else consumes a stand-in, and a rung of the ladder may have dead-lettered what has not arrived.
    const settledMs = to !== undefined && queue.endsWith('.moving') ? quietMs : knownMs
    let emptySinceMs: number | undefined
    let hasMoved = false
    for (;;) {
      const found = await link.count(queue)
      if (!found) return
      const nowMs = performance.now()
      const isEmpty = found.messages === 0
      emptySinceMs = isEmpty ? (emptySinceMs ?? nowMs) : undefined
      const emptyMs = nowMs - (emptySinceMs ?? nowMs)
      const isConsumed = found.consumers > 0
      let unsettled: number | undefined
      if (isEmpty && emptyMs >= settledMs && (isCutting || !isConsumed)) {
        unsettled = await look.unsettled(queue)
        if (unsettled === 0) return
      }
      const isMoving = !isEmpty && !isConsumed && to !== undefined
      // However short the wait is, to know that it is empty takes its time, and what can be moved is moved once; else all would end in the middle.
      const isLate = nowMs > untilMs && !(isEmpty && emptyMs < knownMs) && !(isMoving && !hasMoved)
      if (isLate) throw new LeftError(await this.#whyFull(queue, { ...found, unsettled }, act))
      if (isMoving) await this.#moveSome(queue, to, found.messages)
      hasMoved ||= isMoving
      await this.#unbindAgain(queue, found.messages)
      if (unsettled !== undefined) await pause(SLOW_AGAIN_MS)
      else await pause(isEmpty ? LOOK_AGAIN_MS : FULL_AGAIN_MS)
    }
  }

  /** A service that runs with the old arguments and connects again declares its topology, and binds what was unbound. */
  async #unbindAgain(queue: string, messages: number): Promise<void> {
    if (messages === 0) return
    const bindings = await this.#applying.look.bindingsTo(queue)
    if (bindings.length > 0) await this.#applying.link.unbind(bindings)
  }

  async #whyFull(queue: string, { unsettled, ...found }: Counted, act: Act): Promise<string> {
    const { look } = this.#applying
    const names = await look.consumersOf(queue)
    const used = saysUsed(queue, { ...found, names, unsettled: unsettled ?? (await look.unsettled(queue)) })
    const more = act.act === 'run-out' ? ` (it can last: ${saysAct(act)})` : ''
    const then = this.#standStill(queue) || '. Run this again to go on; what is published meanwhile is kept'
    return `${used}${more}${then}`
  }

  async #remove({ queue, isQuorum }: { readonly queue: string; readonly isQuorum: boolean }): Promise<void> {
    if (await this.#applying.link.remove(queue, { isQuorum, evenUsed: this.#applying.isCutting })) return
    const { messages = 0, consumers = 0 } = (await this.#applying.link.count(queue)) ?? {}
    throw new LeftError(
      `${queue} is not empty, or is used: ${counted(messages, 'message')}, ${counted(consumers, 'consumer')}. Run this again to go on${this.#standStill(queue)}`,
    )
  }
}
