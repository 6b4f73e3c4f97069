import type { Agent, Dispatcher, request } from 'undici'

type Url = Parameters<typeof request>[0]
type RequestOptions = Omit<NonNullable<Parameters<typeof request>[1]>, 'dispatcher'>
type Opened = { readonly agent: Agent; readonly request: typeof request }

/** Requests to other systems, over connections of their own. Undici is loaded with the first: it takes 0.1 s of a processor, and most never ask. */
export class HttpAgent {
  readonly #options: Agent.Options
  #opened: Promise<Opened> | undefined
  #isDestroyed = false

  constructor(options: Agent.Options) {
    this.#options = options
  }

  /** As undici's `request`. */
  async request(url: Url, options: RequestOptions): Promise<Dispatcher.ResponseData<unknown>> {
    if (this.#isDestroyed) throw new Error('The service stops: nothing more is asked of other systems.')
    this.#opened ??= open(this.#options)
    const { agent, request } = await this.#opened
    return request(url, { ...options, dispatcher: agent })
  }

  /** Ends what is under way. */
  async destroy(): Promise<void> {
    this.#isDestroyed = true
    const opened = await this.#opened
    await opened?.agent.destroy()
  }
}

async function open(options: Agent.Options): Promise<Opened> {
  const { Agent, request } = await import('undici')
  return { agent: new Agent(options), request }
}
