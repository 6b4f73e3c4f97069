import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const stampOf = (root) => join(root, 'node_modules', '.ebs-install')

/** What node_modules depends on: the lock file, and the ABI that native add-ons were compiled for. */
function fingerprint(root) {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  return `${lock} abi ${process.versions.modules} ${process.platform} ${process.arch}\n`
}

/** Whether node_modules holds what package-lock.json asks for, for this Node. */
export function isInstalled(root) {
  const stamp = stampOf(root)
  if (existsSync(stamp)) return readFileSync(stamp, 'utf8') === fingerprint(root)
  if (!isInstalledByHand(root) || !canLoadAddOn(root)) return false
  markInstalled(root)
  return true
}

export const markInstalled = (root) => writeFileSync(stampOf(root), fingerprint(root))
export const unmarkInstalled = (root) => rmSync(stampOf(root), { force: true })

/** Somebody ran `npm ci` or `npm install`: npm's own record must name every package of the lock file in its version. */
function isInstalledByHand(root) {
  const record = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(record)) return false
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages
  const wanted = Object.entries(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages)
  return wanted.every(
    ([path, { version, optional }]) => path === '' || optional || installed[path]?.version === version,
  )
}

/** The one native add-on tells whether what was installed by hand fits this Node and this machine. */
const canLoadAddOn = (root) =>
  spawnSync(process.execPath, ['-e', "new (require('better-sqlite3'))(':memory:')"], { cwd: root }).status === 0
