import { chownSync, lchownSync, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

export type User = { readonly uid: number; readonly gid: number }

/**
 * Whom a private node runs as: root gives its rights up for the user `rabbitmq` when the package made one and that user can get
 * to the folder (a project below /root is out of its reach). `undefined`: as whoever started this.
 */
export function findNodeUser(folder: string): User | undefined {
  if (process.getuid?.() !== 0) return undefined
  const user = findUser('rabbitmq')
  return user && foldersAbove(folder).every((path) => isTraversable(path, user)) ? user : undefined
}

/** Gives the folder and all in it to the user. */
export function giveTo(folder: string, { uid, gid }: User): void {
  chownSync(folder, uid, gid)
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    if (lstatSync(path).isDirectory()) giveTo(path, { uid, gid })
    // Links are given, not followed: the folder's owner may have made them.
    else lchownSync(path, uid, gid)
  }
}

function findUser(name: string): User | undefined {
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [user, , uid, gid] = line.split(':')
    if (user === name) return { uid: Number(uid), gid: Number(gid) }
  }
  return undefined
}

const foldersAbove = (path: string): string[] =>
  dirname(path) === path ? [] : [dirname(path), ...foldersAbove(dirname(path))]

function isTraversable(path: string, { uid, gid }: User): boolean {
  const stat = statSync(path)
  const executeBit = stat.uid === uid ? 0o100 : stat.gid === gid ? 0o010 : 0o001
  return (stat.mode & executeBit) !== 0
}
