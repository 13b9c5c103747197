import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { breachedInFile } from '../../../src/credentials/password/breached-file.ts'

const sha1 = (password: string) => createHash('sha1').update(password).digest('hex').toUpperCase()

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'breached-'))
})

afterAll(() => rm(folder, { recursive: true }))

async function fileOf(content: string): Promise<string> {
  const path = join(folder, randomBytes(8).toString('hex'))
  await writeFile(path, content)
  return path
}

const linesOf = (passwords: string[]) =>
  passwords.map((password, n) => `${sha1(password)}:${10 ** (n % 12)}`).sort()

describe('breachedInFile', () => {
  const inside = Array.from({ length: 1_500 }, (_, n) => `breached ${n}`)

  test.each([
    ['CRLF', '\r\n', '\r\n'],
    ['LF', '\n', '\n'],
    ['LF and none at the end', '\n', ''],
  ])('finds every password in the file and no other, with %s', async (_, separator, end) => {
    const path = await fileOf(linesOf(inside).join(separator) + end)
    const found = await Promise.all(inside.map(password => breachedInFile(path, password)))
    expect(found.filter(Boolean)).toHaveLength(inside.length)
    const outside = Array.from({ length: 300 }, (_, n) => `unknown ${n}`)
    const wrong = await Promise.all(outside.map(password => breachedInFile(path, password)))
    expect(wrong.filter(Boolean)).toHaveLength(0)
  })

  test.each([1, 2, 3, 80, 90, 200])('finds each of %i passwords', async count => {
    const some = inside.slice(0, count)
    const path = await fileOf(linesOf(some).join('\n'))
    for (const password of some) expect(await breachedInFile(path, password)).toBe(true)
    expect(await breachedInFile(path, 'unknown')).toBe(false)
  })

  test('reads lowercase hashes and passwords in any script', async () => {
    const path = await fileOf(linesOf(['비밀번호', 'пароль', '😀']).join('\n').toLowerCase())
    for (const password of ['비밀번호', 'пароль', '😀'])
      expect(await breachedInFile(path, password)).toBe(true)
  })

  test('finds nothing in an empty file', async () => {
    expect(await breachedInFile(await fileOf(''), 'password')).toBe(false)
  })

  test('compares the whole hash', async () => {
    const almost = `${sha1('password').slice(0, 39)}${sha1('password').endsWith('0') ? '1' : '0'}`
    expect(await breachedInFile(await fileOf(`${almost}:1\n`), 'password')).toBe(false)
  })

  test.each([
    ['plain passwords', 'password\n'.repeat(2000)],
    ['NTLM hashes', `${'0123456789ABCDEF'.repeat(2)}:5\n`.repeat(1000)],
    ['one endless line', 'A'.repeat(20_000)],
    ['a short text', 'password'],
  ])('throws an error that names the file for %s', async (_, content) => {
    const path = await fileOf(content)
    await expect(breachedInFile(path, 'password')).rejects.toThrow(path)
  })

  test('throws an error if the file is missing', async () => {
    await expect(breachedInFile(join(folder, 'missing'), 'password')).rejects.toThrow('ENOENT')
  })
})
