import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { settingNames } from '../../src/config.ts'
import { errorTable } from '../../src/errors.ts'

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
const readme = read('README.md')

test('the README has every error code and what it means', () => {
  const rows = Object.entries(errorTable).map(([code, { description }]) => `| \`${code}\` | ${description} |`)
  expect(rows.filter(row => !readme.includes(row))).toEqual([])
})

test('the README names every setting', () => {
  expect(settingNames.filter(name => !readme.includes(`\`${name}\``))).toEqual([])
})

test('the README shows the example of an extension that the tests run', () => {
  const example = read('test/extending/example.ts').replace('../../src/index.ts', 'authograph').trim()
  expect(readme).toContain(`\`\`\`ts\n${example}\n\`\`\``)
})
