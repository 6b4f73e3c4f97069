import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { codeOf, commandLineOf, isAlive } from '../processes.ts'

const schema = z.object({
  /** Of the node; 0 while it is being prepared. */
  pid: z.number(),
  /** Process that supervises it. */
  owner: z.number(),
  ports: z.object({ amqp: z.number(), management: z.number(), distribution: z.number(), epmd: z.number() }),
})

/** What is known of a private node, kept beside its data so that a later run finds a node that outlived its supervisor. */
export type NodeState = z.output<typeof schema>
export type NodePorts = NodeState['ports']

const pathIn = (folder: string) => join(folder, 'state.json')

/** The recorded node, alive or not; undefined when there is no record that can be read. */
export function readNodeState(folder: string): NodeState | undefined {
  try {
    return schema.parse(JSON.parse(readFileSync(pathIn(folder), 'utf8')))
  } catch (error) {
    // A record cut off in the middle of writing is of no use either.
    if (codeOf(error) === 'ENOENT' || error instanceof SyntaxError || error instanceof z.ZodError) return undefined
    throw error
  }
}

/** Writes the record only if there is none: of two that start a node on the same data, one gets it. */
export function claimNodeState(folder: string, state: NodeState): boolean {
  try {
    writeFileSync(pathIn(folder), JSON.stringify(state), { flag: 'wx' })
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

export const writeNodeState = (folder: string, state: NodeState) => writeFileSync(pathIn(folder), JSON.stringify(state))

export const removeNodeState = (folder: string) => rmSync(pathIn(folder), { force: true })

/** An Erlang flag without effect, by which a process is recognised as the recorded node and not as a stranger with its number. */
export const markOf = (ports: NodePorts) => ['-ebs_node', String(ports.epmd)] as const

export function isNodeAlive({ pid, ports }: NodeState): boolean {
  if (pid === 0 || !isAlive(pid)) return false
  const [flag, value] = markOf(ports)
  const words = commandLineOf(pid)
  return words.some((word, index) => word === flag && words[index + 1] === value)
}
