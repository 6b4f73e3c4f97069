import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { readNodeState } from '../../scripts/broker/node-state.ts'
import { removeLeftover } from '../../scripts/broker/private-node.ts'

/**
 * A program: outlives the test run that started it, however that ends, and removes the broker that the run has left in a folder.
 * Its standard input is the sign: it closes when the run lets go of it or is gone.
 */
const [, , folder = ''] = process.argv

process.stdin.resume()
process.stdin.once('end', () => void clean())

async function clean(): Promise<void> {
  const node = join(folder, 'node')
  const state = readNodeState(node)
  if (state) await removeLeftover(node, state)
  rmSync(folder, { recursive: true, force: true })
}
