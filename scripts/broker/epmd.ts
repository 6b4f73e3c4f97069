import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** The daemon forgets a node as soon as its connection is gone: some milliseconds after the process. */
const FORGETS_MS_MAX = 2_000
const ANSWER_MS_MAX = 1_000
const AGAIN_MS = 50

/** KILL_REQ of the Erlang port mapper's protocol: two bytes of length, then the letter. */
const killRequest = Buffer.from([0, 1, 'k'.charCodeAt(0)])

/**
 * Stops the port mapper that a private Erlang node started as a daemon of its own. It is asked over its own port, because the
 * program `epmd` is not on every PATH. It refuses while a node is registered, so the node is stopped first.
 */
export async function stopEpmd(port: number): Promise<'stopped' | 'not there' | 'refused'> {
  const until = Date.now() + FORGETS_MS_MAX
  for (;;) {
    const answer = await ask(port)
    if (answer === undefined) return 'not there'
    if (answer === 'OK') return 'stopped'
    if (Date.now() > until) return 'refused'
    await sleep(AGAIN_MS)
  }
}

function ask(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect({ host: '127.0.0.1', port }, () => socket.write(killRequest))
    socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy())
    socket.on('data', (bytes) => {
      answer += bytes.toString('latin1')
    })
    socket.once('error', () => resolve(undefined))
    socket.once('close', () => resolve(answer))
  })
}
