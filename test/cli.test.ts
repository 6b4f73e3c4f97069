import { spawn } from 'node:child_process'
import { symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type FakeApi, fakeApi } from '../scripts/cli/test/fake-api.ts'
import { temporaryFolder } from '../scripts/test/temporary-folder.ts'
import { searchPath } from './support/config.ts'
import { waitUntil } from './support/wait-until.ts'

const ebs = join(import.meta.dirname, '..', 'scripts', 'ebs')
const services = ['HUB', 'DATAGEN', 'GATEWAY', 'DISTRIBUTOR', 'PROCESSOR', 'STATISTICS']

/** The command line as a process, as a shell starts it, with every service at this address. */
function start(program: string, argv: readonly string[], { url }: Pick<FakeApi, 'url'>) {
  const env = Object.fromEntries(services.map((name) => [`EBS_${name}_URL`, url]))
  const child = spawn(program, argv, { cwd: tmpdir(), env: { PATH: searchPath().join(':'), ...env } })
  const [out, err]: [Buffer[], Buffer[]] = [[], []]
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
  child.stdin.end()
  const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    child.once('close', (code) =>
      resolve({ code, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() }),
    )
  })
  return { child, ended }
}

const run = (argv: readonly string[], api: FakeApi, program = ebs) => start(program, argv, api).ended

describe('scripts/ebs as a process', () => {
  test('exit codes reach the shell, and stdout has nothing but the answer', async () => {
    await using api = await fakeApi({ 'GET /api/groups': { json: { items: [] } } })

    const [listed, unknown, wrong, notSo] = await Promise.all([
      run(['group', 'list', '-o', 'json'], api),
      run(['group', 'show', 'lunch'], api),
      run(['group', 'dissolve'], api),
      run(['status', '-o', 'json'], api),
    ])

    expect({ ...listed, out: JSON.parse(listed.out) }).toEqual({ code: 0, out: { items: [] }, err: '' })
    expect(unknown).toMatchObject({ code: 3, out: '' })
    expect(wrong).toMatchObject({ code: 2, out: '' })
    expect(notSo.code).toBe(1)
    expect(JSON.parse(notSo.out)).toMatchObject({ services: expect.any(Array) })
  })

  test('a mistake in the environment is told by name, and ends it with 2', async () => {
    const result = await run(['group', 'list'], await withUrl('nonsense'))

    expect(result).toMatchObject({ code: 2, out: '' })
    expect(result.err).toContain('EBS_HUB_URL is "nonsense"')
  })

  test('it is found through a link, from any folder', async () => {
    await using api = await fakeApi({ 'GET /api/groups': { json: { items: [] } } })
    using folder = temporaryFolder()
    const link = join(folder.path, 'ebs')
    symlinkSync(ebs, link)

    expect(await run(['group', 'list'], api, link)).toMatchObject({ code: 0 })
  })

  test('a reader who has seen enough ends it without a word', async () => {
    await using api = await fakeApi({})

    const result = await run(['-c', `"${ebs}" topology print -o json | head -1`], api, '/bin/sh')

    expect(result).toEqual({ code: 0, out: '{\n', err: '' })
  })

  test('Ctrl-C while a job is followed leaves it running', async () => {
    const job = { id: 'r-7', act: 'replay', status: 'running', total: 9, moved: 1 }
    await using api = await fakeApi({ 'GET /api/replays/r-7': { json: job } })
    const { child, ended } = start(ebs, ['replay', 'watch', 'r-7'], api)

    await waitUntil(() => api.asked.length > 0)
    child.kill('SIGINT')

    const { code, err } = await ended
    expect(code).toBe(4)
    expect(err).toContain('Look again: ebs replay watch r-7')
    expect(api.asked.map(({ method }) => method)).not.toContain('POST')
  })
})

/** As an API that is not there. */
async function withUrl(url: string): Promise<FakeApi> {
  await using api = await fakeApi({})
  return { ...api, url }
}
