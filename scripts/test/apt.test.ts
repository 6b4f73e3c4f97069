import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Apt, findApt, installRabbitmq } from '../broker/apt.ts'
import { temporaryFolder } from './temporary-folder.ts'

const { signal } = new AbortController()

/** A folder with an apt-get that notes its arguments and what the policy was, and a sudo that lets everybody. */
function fakeMachine(folder: string, aptGet = '') {
  const log = join(folder, 'log')
  const policyFile = join(folder, 'policy-rc.d')
  const bin = join(folder, 'bin')
  const write = (name: string, text: string) => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`)
    chmodSync(join(bin, name), 0o755)
  }
  mkdirSync(bin)
  write(
    'apt-get',
    `echo "$@" "policy: $(tail -1 '${policyFile}' 2>/dev/null)" "$DEBIAN_FRONTEND" >> '${log}'\n${aptGet}`,
  )
  write('sudo', 'shift; exec "$@"')
  const noted = () => readFileSync(log, 'utf8').trim().split('\n')
  return { path: [bin], policyFile, noted }
}

async function aptOf({ path, policyFile }: { path: readonly string[]; policyFile: string }): Promise<Apt> {
  const apt = await findApt(path, policyFile)
  if (!apt) throw new Error('The fake apt-get was not found.')
  return apt
}

describe('installing rabbitmq-server with apt-get', () => {
  test('updates, then installs without recommendations and without starting the service', async () => {
    using folder = temporaryFolder()
    const machine = fakeMachine(folder.path)

    await installRabbitmq(await aptOf(machine), signal)

    expect(machine.noted()).toEqual([
      'update policy:  noninteractive',
      'install -y --no-install-recommends rabbitmq-server policy: exit 101 noninteractive',
    ])
    expect(existsSync(machine.policyFile)).toBe(false)
  })

  test('leaves a policy alone that is there already', async () => {
    using folder = temporaryFolder()
    const machine = fakeMachine(folder.path)
    writeFileSync(machine.policyFile, 'exit 0\n')

    await installRabbitmq(await aptOf(machine), signal)

    expect(machine.noted()[1]).toContain('policy: exit 0')
    expect(readFileSync(machine.policyFile, 'utf8')).toBe('exit 0\n')
  })

  test('a failure shows what apt-get said, and takes the policy away', async () => {
    using folder = temporaryFolder()
    const machine = fakeMachine(
      folder.path,
      'case $1 in install) echo "E: Unable to locate package" >&2; exit 100; esac',
    )

    await expect(installRabbitmq(await aptOf(machine), signal)).rejects.toThrow('E: Unable to locate package')

    expect(existsSync(machine.policyFile)).toBe(false)
  })

  test('is no way where there is no apt-get', async () => {
    using folder = temporaryFolder()

    expect(await findApt([folder.path])).toBeUndefined()
  })
})
