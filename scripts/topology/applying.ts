import { setTimeout as pause } from 'node:timers/promises'
import type { AmqpMoveLink } from '../../shared/bus/amqp-move-link.ts'
import { TopologyDriftError } from '../../shared/bus/broker.ts'
import { counted, spanOf } from '../cli/wording.ts'
import type { Act, Change, Task } from './change.ts'
import type { BrokerLook } from './found.ts'
import { LeftError } from './left-error.ts'
import { Mover } from './mover.ts'
import { strangePolicies } from './policies.ts'
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
/** What came into a queue after it was found empty is moved as well; what still comes then is somebody's who ought to be stopped. */
const REMOVES_MAX = 3

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
  readonly takerMs?: number
}

export type Applied = {
  /** Messages that were moved. */
  readonly moved: number
  readonly left: readonly Left[]
}

/** Not done, or not to its end. `isMoot`: it is to be planned anew at once. */
export type Left = { readonly name: string; readonly why: string; readonly isMoot: boolean }

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
  return { moved: run.mover.moved, left }
}

type Counted = { readonly messages: number; readonly consumers: number; readonly unsettled: number | undefined }

type Emptying = { readonly to: string | undefined; readonly act: Act }

class Run {
  readonly mover: Mover
  readonly #applying: Applying
  /** Stand-ins in which messages are as safe as in their own queues. */
  readonly #safe = new Set<string>()
  /** Queues that are unbound: what is new waits in their stand-ins. */
  readonly #stopped = new Set<string>()
  /** How a queue was emptied. */
  readonly #emptied = new Map<string, Emptying>()

  constructor(applying: Applying) {
    this.#applying = applying
    const { link, takerMs } = applying
    this.mover = new Mover({ link, takerMs, wayOn: (queue) => this.#standStill(queue) })
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
        return this.mover.move(act)
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

  /** What that means for what comes, and the way back. */
  #standStill(queue: string): string {
    return this.#stopped.has(queue) ? `. ${saysStandStill(queue)}` : ''
  }

  /**
   * Until a queue, which is unbound, is empty, and nobody has held a message of it for longer than the broker's numbers are old. What is
   * in it is moved, where there is somewhere to move it and nobody consumes.
   */
  async #empty(queue: string, emptying: Emptying): Promise<void> {
    this.#emptied.set(queue, emptying)
    const { to, act } = emptying
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
      if (isMoving) await this.mover.moveSome({ from: queue, to, count: found.messages })
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

  /** A message may have been on its way when the queue was found empty, or comes back from a consumer that lost its connection. */
  async #remove({ queue, isQuorum }: { readonly queue: string; readonly isQuorum: boolean }): Promise<void> {
    const { link, isCutting: evenUsed } = this.#applying
    for (let tries = 1; !(await link.remove(queue, { isQuorum, evenUsed })); tries++) {
      const emptying = this.#emptied.get(queue)
      if (!emptying || tries === REMOVES_MAX) throw new LeftError(await this.#whyThere(queue))
      await this.#empty(queue, emptying)
    }
  }

  async #whyThere(queue: string): Promise<string> {
    const { messages = 0, consumers = 0 } = (await this.#applying.link.count(queue)) ?? {}
    return `${queue} is not empty, or is used: ${counted(messages, 'message')}, ${counted(consumers, 'consumer')}. Run this again to go on${this.#standStill(queue)}`
  }
}
