import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'

type Heard = { readonly url: string | undefined; readonly headers: IncomingHttpHeaders; readonly body: unknown }
export type Answer = (response: ServerResponse) => void

export const say =
  (status: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    void response.writeHead(status, headers).end('secret answer')

/** Somebody outside, who answers as the test says. */
export async function listener(answer: Answer) {
  const heard: Heard[] = []
  const become = { answer }
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    heard.push({ url: request.url, headers: request.headers, body: JSON.parse(text) })
    become.answer(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('It listens on no port.')
  return {
    heard,
    /** How it answers from now on. */
    become,
    url: `http://ann:to%24ken@127.0.0.1:${address.port}/hooks/s3cret?room=7`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
