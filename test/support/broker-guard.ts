import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isNodeAlive, readNodeState } from '../../scripts/broker/node-state.ts'
import { removeLeftover } from '../../scripts/broker/private-node.ts'
import { signalProcess } from '../../scripts/processes.ts'

/**
 * A program: outlives the test run that started it, however that ends, and removes what brokers the run has left in folders of a folder.
 * Its standard input is the sign: it closes when the run lets go of it or is gone.
 */
const [, , folder = ''] = process.argv

process.stdin.resume()
process.stdin.once('end', () => void clean())

async function clean(): Promise<void> {
  const nodes = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []
  await Promise.all(nodes.map(removeNode))
  rmSync(folder, { recursive: true, force: true })
}

async function removeNode(node: string): Promise<void> {
  const state = readNodeState(node)
  if (!state) return
  // One that was suspended would not hear that it is to stop.
  if (isNodeAlive(state)) signalProcess(state.pid, 'SIGCONT')
  await removeLeftover(node, state)
}
