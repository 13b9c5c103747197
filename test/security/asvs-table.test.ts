import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'

const ROOT = path.resolve(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8')

/** The requirements of levels 1 and 2, and two of level 3, in these sections of ASVS 5.0.0, by their last numbers. */
const SECTIONS: Record<string, number[]> = {
  '4.3': upTo(2),
  '6.1': upTo(3),
  '6.2': upTo(12),
  '6.3': upTo(4),
  '6.4': upTo(4),
  '6.5': upTo(5),
  '6.6': upTo(3),
  '6.8': upTo(4),
  '7.1': upTo(3),
  '7.2': upTo(4),
  '7.3': upTo(2),
  '7.4': upTo(5),
  '7.5': upTo(2),
  '7.6': upTo(2),
  '8.1': upTo(2),
  '8.2': upTo(3),
  '8.3': upTo(1),
  '8.4': upTo(1),
  '9.1': upTo(3),
  '9.2': upTo(4),
  // 10.6 and 10.7 are about OpenID providers and consent.
  '10.1': upTo(2),
  '10.2': upTo(2),
  // 10.3.5 and 10.4.14 are of level 3.
  '10.3': upTo(5),
  '10.4': [...upTo(11), 14],
  '10.5': upTo(5),
  '11.1': upTo(2),
  '11.2': upTo(3),
  '11.3': upTo(3),
  '11.4': upTo(4),
  '11.5': upTo(1),
  '11.6': upTo(1),
  '13.1': upTo(1),
  '13.2': upTo(5),
  '13.3': upTo(2),
  '13.4': upTo(5),
  '16.1': upTo(1),
  '16.2': upTo(5),
  '16.3': upTo(4),
  '16.4': upTo(3),
  '16.5': upTo(3),
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1)
}

const rows = read('SECURITY.md')
  .split('\n')
  .filter(line => line.startsWith('| v5.0.0-'))
  .map(line => line.slice(2, -2).split(' | '))

/** Every `file: name` in backticks, on the whole page; the file without `test/` and its ending. */
const named = read('SECURITY.md')
  .split('\n')
  .flatMap((line, index) =>
    [...line.matchAll(/`([a-z-]+(?:\/[a-z-]+)+): ([^`]+)`/g)].map(
      ([, file = '', name = '']) => [index + 1, file, name] as const,
    ),
  )

/** The titles of the tests and groups of a file, as they stand there. */
function titlesOf(file: string): string[] {
  const TITLE = /(['"`])((?:(?!\1).)+)\1,\s*(?:async\s*)?(?:\(|\w+\s*=>)/g
  // What runs in a browser, or installs the package, has a suite of its own.
  const kind = ['web', 'package', 'fault'].find(ending =>
    existsSync(path.join(ROOT, `test/${file}.${ending}.ts`)),
  )
  return [...read(`test/${file}.${kind ?? 'test'}.ts`).matchAll(TITLE)].map(([, , title = '']) => title)
}

test('the table of findings names a test or a measurement for each of the 26', () => {
  const [, table = ''] = read('SECURITY.md').split('## Findings of the security review of 0.4.0\n')
  const findings = table
    .split('\n')
    .filter(line => line.startsWith('| '))
    .slice(1)
  expect(findings).toHaveLength(26)
  for (const finding of findings) expect(finding).toMatch(/`[a-z/-]+: [^`]+` \|$|measured: see \[/)
})

test('the table has every requirement of levels 1 and 2 of its chapters, and those of level 3 on bound tokens, once and in order', () => {
  const wanted = Object.entries(SECTIONS).flatMap(([section, numbers]) =>
    numbers.map(number => `v5.0.0-${section}.${number}`),
  )
  expect(rows.map(([id]) => id)).toEqual(wanted)
})

test('every row has its level, the requirement, and the tests or a reason', () => {
  for (const row of rows) {
    expect(row).toHaveLength(4)
    expect(row[1]).toMatch(/^[123]$/)
    expect(row[2]).toMatch(/^.{5,}/)
    expect(row[3]).toMatch(/^.{10,}/)
  }
  expect(named.length).toBeGreaterThan(150)
})

describe('each test that SECURITY.md names exists', () => {
  test.each(named)('line %d: %s: %s', (_line, file, name) => {
    expect(titlesOf(file)).toContain(name)
  })
})
