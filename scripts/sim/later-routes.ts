import type { Http } from '../../shared/service/http.ts'

type Call = { readonly name: PropertyKey; readonly args: readonly unknown[] }

/** Notes the routes of a service, and makes its API when somebody asks for the first time: most processes are never asked, and die young. */
export class LaterRoutes {
  readonly http: Http
  readonly #calls: Call[] = []
  #opening: Promise<Http> | undefined

  constructor() {
    const note =
      (name: PropertyKey) =>
      (...args: readonly unknown[]) =>
        void this.#calls.push({ name, args })
    const noting: object = new Proxy({}, { get: (_, name) => note(name) })
    // A service only ever adds to its API while it starts, and reads nothing of it; each call is made good when it is opened.
    this.http = noting as Http
  }

  open(create: () => Promise<Http>): Promise<Http> {
    this.#opening ??= this.#open(create)
    return this.#opening
  }

  async #open(create: () => Promise<Http>): Promise<Http> {
    const http = await create()
    for (const { name, args } of this.#calls) {
      const method: unknown = Reflect.get(http, name)
      if (typeof method !== 'function') throw new TypeError(`An API has no ${String(name)}.`)
      Reflect.apply(method, http, args)
    }
    await http.ready()
    return http
  }
}
