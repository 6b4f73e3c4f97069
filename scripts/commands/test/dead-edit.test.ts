import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fakeApi } from '../../cli/test/fake-api.ts'
import { runEbs } from '../../cli/test/fake-terminal.ts'
import { temporaryFolder } from '../../test/temporary-folder.ts'

describe('dead edit', () => {
  const edited = {
    'GET /api/dead/h-1': { json: { id: 'h-1', body: { a: 1 } } },
    'POST /api/dead/h-1/edit': { json: { id: 'h-1', edited: 'ann' } },
  }
  const edit = ['dead', 'edit', 'h-1', '--reason', 'typo']
  /** An editor that writes this: its command line ends with the name of the file. */
  const editor = (text: string) => ({ editor: `printf '%s' '${text}' >` })

  test('takes the body from the command line or from a file', async () => {
    await using api = await fakeApi(edited)
    using folder = temporaryFolder()
    const file = join(folder.path, 'body.json')
    writeFileSync(file, '{"a":3}')

    const codes = [
      await runEbs([...edit, '--body', '{"a":2}'], api),
      await runEbs([...edit, '--body', `@${file}`], api),
    ]

    expect(codes.map(({ code }) => code)).toEqual([0, 0])
    expect(api.posted('/api/dead/h-1/edit').map(({ body }) => body)).toEqual([{ a: 2 }, { a: 3 }])
  })

  test.each(['{', '[1]', '"text"', '@/there/is/no/such/file'])('--body %s is refused with 2', async (body) => {
    await using api = await fakeApi(edited)

    expect(await runEbs([...edit, '--body', body], api)).toMatchObject({ code: 2 })
    expect(api.asked).toEqual([])
  })

  test('opens the editor and sends what was written', async () => {
    await using api = await fakeApi(edited)

    const { code, out } = await runEbs(edit, { ...api, isTty: true, config: editor('{"a":5}') })

    expect(code).toBe(0)
    expect(out).toContain('ebs dead replay h-1')
    expect(api.posted('/api/dead/h-1/edit')).toEqual([{ body: { a: 5 }, actor: 'ann@desk', reason: 'typo' }])
  })

  test('what was written is kept when it is refused', async () => {
    const refusal = {
      detail: 'The body is not what its type wants.',
      errors: [{ field: 'a', message: 'expected text' }],
    }
    await using api = await fakeApi({ ...edited, 'POST /api/dead/h-1/edit': { status: 422, json: refusal } })

    const { code, err } = await runEbs(edit, { ...api, isTty: true, config: editor('{"a":5}') })

    const [, file = ''] = /--body @(\S+)/.exec(err) ?? []
    expect(code).toBe(2)
    expect(err).toContain('  a: expected text')
    expect(readFileSync(file, 'utf8')).toBe('{"a":5}')
    rmSync(dirname(file), { recursive: true })
  })

  test.each([
    { name: 'an unchanged body', command: 'true', says: 'as it was' },
    { name: 'an editor that fails', command: 'false', says: 'failed (status 1)' },
  ])('$name changes nothing, and leaves no file', async ({ command, says }) => {
    await using api = await fakeApi(edited)
    using folder = temporaryFolder()
    const noted = join(folder.path, 'noted')

    const config = { editor: `printf '%s' "$1" > ${noted}; ${command}` }
    const { code, err } = await runEbs(edit, { ...api, isTty: true, config })

    expect(code).toBe(1)
    expect(err).toContain(says)
    expect(api.posted('/api/dead/h-1/edit')).toEqual([])
    expect(existsSync(dirname(readFileSync(noted, 'utf8')))).toBe(false)
  })

  test('without a terminal it needs --body; a message that is gone is not edited', async () => {
    await using api = await fakeApi({ 'GET /api/dead/h-1': { json: { id: 'h-1', body: null } } })

    expect(await runEbs(edit, api)).toMatchObject({ code: 2, err: expect.stringContaining('--body') })
    expect(await runEbs(edit, { ...api, isTty: true })).toMatchObject({
      code: 1,
      err: expect.stringContaining('not in its place'),
    })
  })
})
