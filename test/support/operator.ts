import { expect } from 'vitest'
import { z } from 'zod'
import type { Answer } from './http.ts'
import type { System } from './system.ts'
import { waitUntil } from './wait-until.ts'

const BY = { actor: 'ann', reason: 'test' }

const line = z.object({ what: z.string(), detail: z.string().optional() })
const sideline = z.looseObject({
  status: z.string(),
  actor: z.string(),
  reason: z.string(),
  parked: z.number(),
  use: z.string(),
  replay: z.string().optional(),
  history: z.array(line),
})
const replay = z.looseObject({
  status: z.string(),
  ...{ total: z.number(), moved: z.number(), handled: z.number(), failed: z.number(), dead: z.number() },
  stopReason: z.string().optional(),
  history: z.array(line),
})
const begun = z.object({ replay: z.string() })
const held = z.looseObject({ id: z.string(), messageId: z.string(), state: z.string(), reason: z.string() })
const group = z.object({
  fingerprint: z.string(),
  count: z.number(),
  error: z.string().nullable(),
  example: z.string(),
})
const page = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item) })

export type SidelineView = z.output<typeof sideline>
export type ReplayView = z.output<typeof replay>

/** What an operator of a system does with sidelines, replays and dead letters, over the API of its hub. */
export class Operator {
  readonly #system: Pick<System, 'ask'>

  constructor(system: Pick<System, 'ask'>) {
    this.#system = system
  }

  get(path: string): Promise<Answer> {
    return this.#system.ask('hub', path)
  }

  post(path: string, body: Readonly<Record<string, unknown>> = {}): Promise<Answer> {
    return this.#system.ask('hub', path, { json: { ...BY, ...body } })
  }

  /** Sets a tenant aside, or whatever the rule says, at `process_consume`; it is in force when this resolves. */
  async start(id: string, rule: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const wish = { id, filter: `tenant == "${id}"`, queues: ['process_consume'], ...rule }
    const { status, json } = await this.post('/api/sidelines', wish)
    expect({ status, json }).toMatchObject({ status: 201, json: { status: 'active', missing: [] } })
  }

  /** Gives the id of the job that comes of it. */
  async act(action: 'resume' | 'resolve' | 'discard', id: string, pacing: object = {}): Promise<string> {
    const { status, json } = await this.post(`/api/sidelines/${id}/${action}`, { ...pacing })
    expect({ status, json }).toMatchObject({ status: 202 })
    return begun.parse(json).replay
  }

  async sideline(id: string): Promise<SidelineView> {
    return sideline.parse((await this.get(`/api/sidelines/${id}`)).json)
  }

  async replay(id: string): Promise<ReplayView> {
    return replay.parse((await this.get(`/api/replays/${id}`)).json)
  }

  /** Waits until the rule is as expected. */
  untilSideline(id: string, expected: Partial<SidelineView>, withinMs?: number): Promise<void> {
    return waitUntil(async () => expect(await this.sideline(id)).toMatchObject(expected), withinMs)
  }

  /** Waits until the job is as expected. */
  untilReplay(id: string, expected: Partial<ReplayView>, withinMs?: number): Promise<void> {
    return waitUntil(async () => expect(await this.replay(id)).toMatchObject(expected), withinMs)
  }

  /** Brings dead letters back, or drops or archives them; gives the id of the job. */
  async dead(act: 'replay' | 'discard' | 'archive', filter: object, pacing: object = {}): Promise<string> {
    const { status, json } = await this.post(`/api/dead/${act}`, { filter, ...pacing })
    expect({ status, json }).toMatchObject({ status: 202 })
    return begun.parse(json).replay
  }

  async listDead(query = '') {
    return page(held).parse((await this.get(`/api/dead?limit=1000${query}`)).json).items
  }

  async deadGroups(query = '') {
    return page(group).parse((await this.get(`/api/dead/groups?limit=1000${query}`)).json).items
  }
}
