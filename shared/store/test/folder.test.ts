import { existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { platform } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeFolder } from '../folder.ts'
import { scratch } from './scratch.ts'

test('makes a folder with those that it lies in, and is content with one that is there', () => {
  const path = join(scratch(), 'a', 'b', 'c')

  makeFolder(path, 0o700)
  writeFileSync(join(path, 'kept'), '')
  makeFolder(path)

  expect(statSync(path).mode & 0o777).toBe(0o700)
  expect(existsSync(join(path, 'kept'))).toBe(true)
})

test('is content with a link to a folder', () => {
  const folder = scratch()
  mkdirSync(join(folder, 'real'))
  symlinkSync(join(folder, 'real'), join(folder, 'link'))

  makeFolder(join(folder, 'link', 'inside'))

  expect(statSync(join(folder, 'real', 'inside')).isDirectory()).toBe(true)
})

test.each([
  ['a file has its name', 'file', 'EEXIST'],
  ['a file is in its way', 'file/inside', 'EEXIST'],
  ['a link that leads nowhere is in its way', 'nowhere/inside', 'EEXIST'],
])('refuses when %s', (_, path, code) => {
  const folder = scratch()
  writeFileSync(join(folder, 'file'), '')
  symlinkSync(join(folder, 'gone'), join(folder, 'nowhere'))

  expect(() => makeFolder(join(folder, path))).toThrow(expect.objectContaining({ code }))
})

test.runIf(platform() === 'linux')('comes to an end where folders are refused as not there', () => {
  expect(() => makeFolder('/proc/ebs/inside')).toThrow(/mkdir '\/proc\/ebs'/)
})
