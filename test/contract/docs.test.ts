import { generateKeyPairSync } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { beforeAll, expect, test } from '@jest/globals'
import { parse } from 'dotenv'
import { getMetadataStorage } from 'type-graphql'
import { importFields } from '../../src/admin/import/import-row.ts'
import { auditActions } from '../../src/audit/actions.ts'
import { settingNames } from '../../src/config.ts'
import { errorTable } from '../../src/errors.ts'
import { createSchema } from '../../src/graphql/schema.ts'
import { linkedPages } from '../../src/page-addresses.ts'
import { presets } from '../../src/provider-settings/presets.ts'
import { providerSettingNames, readProviders } from '../../src/provider-settings/read.ts'
import { webhookEvents } from '../../src/webhooks/manage.ts'
import { build, runCli } from '../support/cli.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8')
const readme = read('README.md')

/** Every page for people, by its path from the root. */
const pages = [
  'README.md',
  'SECURITY.md',
  'CHANGELOG.md',
  ...readdirSync(path.join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.md'))
    .map(file => `docs/${file.replaceAll(path.sep, '/')}`),
]

/** The cells of the rows of every table in a page that has this heading as its first cell. */
function rowsOf(page: string, heading: string): string[][] {
  const tables = page.match(/(?:^\|.*\|\n)+/gm) ?? []
  return tables
    .map(table => table.trim().split('\n').map(cells))
    .filter(([head]) => head?.[0] === heading)
    .flatMap(([, , ...rows]) => rows)
}

function cells(row: string): string[] {
  return row
    .slice(1, -1)
    .split('|')
    .map(cell => cell.trim())
}

/** What stands in single backticks. */
function code(text = ''): string[] {
  return [...text.matchAll(/(?<!`)`([^`\n]+)`(?!`)/g)].map(([, word = '']) => word)
}

/** The anchors of a page's headings, as GitHub forms them. */
function anchors(page: string): string[] {
  return [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

const applePrivateKey = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  .privateKey.export({ format: 'pem', type: 'pkcs8' })
  .toString()

beforeAll(build, 120_000)

test('docs/errors.md lists exactly the error codes, each with its description', () => {
  const rows = rowsOf(read('docs/errors.md'), 'code')
  expect(rows).toEqual(
    Object.entries(errorTable).map(([name, { description }]) => [`\`${name}\``, description]),
  )
})

test('docs/webhooks.md lists exactly the events that webhooks can receive, each with its description', () => {
  const descriptions: Record<string, string> = auditActions
  const rows = rowsOf(read('docs/webhooks.md'), 'event')
  expect(rows).toEqual(webhookEvents.map(name => [`\`${name}\``, descriptions[name]]))
})

test('docs/settings.md lists exactly the settings, once each', () => {
  const names = rowsOf(read('docs/settings.md'), 'setting').flatMap(([name]) => code(name))
  expect(names.sort()).toEqual([...settingNames].sort())
})

test('docs/settings.md lists exactly the settings of a provider, once each', () => {
  const names = rowsOf(read('docs/settings.md'), 'provider setting').flatMap(([name]) => code(name))
  expect(names.sort()).toEqual([...providerSettingNames].sort())
})

test('docs/settings.md shows the default of each setting as .env.example has it', () => {
  const { DATABASE_URL: _address, ...defaults } = parse(
    read('.env.example').replace(/^#(?=[A-Z0-9_]+=)/gm, ''),
  )
  const shown = rowsOf(read('docs/settings.md'), 'setting').flatMap(([name, value = '']) =>
    code(name).map(setting => [setting, code(value)[0] ?? '']),
  )
  expect(Object.fromEntries(shown)).toEqual({ ...defaults, DATABASE_URL: '' })
})

test('docs/limits.md lists exactly the limits on attempts, with their defaults', () => {
  const UNITS: Record<string, string> = { min: 'm', h: 'h', d: 'd' }
  const shown = rowsOf(read('docs/limits.md'), 'what is counted').map(([, setting, free = '']) => {
    const [attempts = '', , time = '', unit = ''] = free.split(' ')
    return [code(setting)[0], `${attempts.replace(',', '')}/${time}${UNITS[unit]}`]
  })
  const limits = Object.entries(parse(read('.env.example').replace(/^#(?=LIMIT_)/gm, ''))).filter(([name]) =>
    name.startsWith('LIMIT_'),
  )
  expect(Object.fromEntries(shown)).toEqual(Object.fromEntries(limits))
})

test('docs/production.md lists exactly the commands, with options that each of them has', async () => {
  const rows = rowsOf(read('docs/production.md'), 'command')
  const documented = rows.map(([command]) => code(command)[0]?.split(' ')[0] ?? '')
  const { stdout } = await runCli(['--help'])
  const [, list = ''] = stdout.split('Commands:\n')
  const commands = [...list.matchAll(/^ {2}([a-z-]+)/gm)].map(([, name = '']) => name)
  expect(documented.sort()).toEqual(commands.filter(name => name !== 'help').sort())
  await Promise.all(
    rows.map(async ([command = '', description]) => {
      const [name = ''] = code(command)[0]?.split(' ') ?? []
      const help = await runCli([name, '--help'])
      const options = `${command} ${description}`.match(/--[a-z-]+/g) ?? []
      expect([name, options.filter(option => !help.stdout.includes(option))]).toEqual([name, []])
    }),
  )
}, 60_000)

test('every operation is on a page, and the administration page names none that no longer exists', () => {
  const schema = createSchema()
  const operations = [schema.getQueryType(), schema.getMutationType()].flatMap(type =>
    Object.keys(type?.getFields() ?? {}),
  )
  const guides = pages.filter(page => page === 'README.md' || page.startsWith('docs/'))
  const words = new Set(guides.flatMap(page => read(page).match(/\w+/g) ?? []))
  expect(operations.filter(name => !words.has(name))).toEqual([])
  const named = rowsOf(read('docs/administration.md'), 'operation').flatMap(([names]) => code(names))
  expect(named.length).toBeGreaterThan(10)
  expect(named.filter(name => !operations.includes(name))).toEqual([])
})

test('docs/administration.md has the permission that guards each operation', () => {
  createSchema()
  const { queries, mutations } = getMetadataStorage()
  const guards = new Map([...queries, ...mutations].map(({ schemaName, roles }) => [schemaName, roles]))
  for (const [names, permission] of rowsOf(read('docs/administration.md'), 'operation')) {
    for (const name of code(names)) {
      const required = guards.get(name)?.filter(role => role !== 'self')
      expect([name, required]).toEqual([name, code(permission)])
    }
  }
})

test('docs/account-lifecycle.md lists exactly the pages that emails link to, with operations that exist', () => {
  const rows = rowsOf(read('docs/account-lifecycle.md'), 'page')
  const listed = rows.flatMap(([page]) => code(page))
  expect(listed.sort()).toEqual(linkedPages.map(page => `/${page}`).sort())
  const mutations = Object.keys(createSchema().getMutationType()?.getFields() ?? {})
  for (const [, , , operation] of rows) expect(mutations).toContain(code(operation)[0])
})

test('every source file that docs/architecture.md names exists', () => {
  const files = code(read('docs/architecture.md')).filter(word => /^[\w./-]+\.ts$/.test(word))
  expect(files.length).toBeGreaterThan(15)
  const places = (file: string) => [path.join(ROOT, file), path.join(ROOT, 'src', file)]
  expect(files.filter(file => !places(file).some(existsSync))).toEqual([])
})

test('the README shows what the server prints when it starts', () => {
  const [, output = ''] = readme.match(/```\n(Authograph answers .+?)```/s) ?? []
  const lines = output.trim().split('\n')
  expect(lines).toHaveLength(4)
  const source = read('src/serve-alone.ts')
  for (const line of lines) expect(source).toContain(line.split(/Apollo|http/)[0])
})

test('docs/moving-in.md lists exactly the fields that an import reads', () => {
  const listed = rowsOf(read('docs/moving-in.md'), 'field').flatMap(([field]) => code(field))
  const names = Object.values(importFields).flat()
  expect(Object.keys(importFields).filter(field => !listed.includes(field))).toEqual([])
  expect(listed.filter(field => !(names as string[]).includes(field))).toEqual([])
})

test('every npm script that a page names exists', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  const named = pages
    .filter(page => page !== 'CHANGELOG.md')
    .flatMap(page => [...read(page).matchAll(/npm run ([a-z:]+)/g)].map(([, name = '']) => name))
  expect(named.length).toBeGreaterThan(5)
  expect(named.filter(name => !(name in scripts))).toEqual([])
})

test('the README and the page on extending show the extension that the tests run', () => {
  const example = read('test/extending/example.ts').replace('../../src/index.ts', 'authograph').trim()
  for (const page of [readme, read('docs/extending.md')])
    expect(page).toContain(`\`\`\`ts\n${example}\n\`\`\``)
})

test('docs/client.md shows parts of the examples that the tests install and run', () => {
  const folder = path.join(ROOT, 'docs/examples')
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(file =>
    /\.jsx?$/.test(file),
  )
  const sources = files.map(file => read(`docs/examples/${file}`))
  const snippets = [...read('docs/client.md').matchAll(/```jsx?\n(.+?)```/gs)].map(([, text = '']) => text)
  expect(snippets).toHaveLength(3)
  for (const snippet of snippets)
    expect([snippet, sources.some(source => source.includes(snippet))]).toEqual([snippet, true])
})

test('docs/other-servers.md shows parts of the examples that the tests install and run', () => {
  const examples = ['verify-express', 'verify-apollo'].map(name => read(`docs/examples/${name}/server.js`))
  const page = read('docs/other-servers.md')
  const snippets = [...page.matchAll(/```js\n(.+?)```/gs)].map(([, text = '']) => text)
  const ours = snippets.filter(text => !text.includes('issuerBaseURL'))
  expect(ours).toHaveLength(2)
  for (const snippet of ours)
    expect([snippet, examples.some(source => source.includes(snippet))]).toEqual([snippet, true])
  const [, flask = ''] = /```python\n(.+?)```/s.exec(page) ?? []
  expect(read('docs/examples/verify-flask/app.py')).toContain(flask)
})

test('the README shows a snippet of the client that the tests compile', () => {
  const [snippet = ''] = readme.match(/```tsx\n.+?```/s) ?? []
  expect(snippet.split('\n').length).toBeGreaterThan(10)
  expect(snippet.split('\n').length).toBeLessThanOrEqual(32)
  expect(read('src/client/README.md')).toContain(snippet)
  expect(read('docs/client.md')).toContain(snippet)
})

test('the README’s table of pages lists every page of docs/', () => {
  const linked = rowsOf(readme, 'page').flatMap(([cell = '']) => cell.match(/(?<=\]\()[^)]+/g) ?? [])
  const expected = pages
    .filter(page => page !== 'README.md' && !page.startsWith('docs/providers/'))
    .map(page => (page.startsWith('docs/decisions/') ? 'docs/decisions' : page))
  expect(linked.sort()).toEqual([...new Set(expected)].sort())
})

test('docs/providers.md lists each preset with its page, whose settings the server accepts', () => {
  const rows = rowsOf(read('docs/providers.md'), 'provider')
  expect(rows.map(([, name]) => code(name)[0]).sort()).toEqual(Object.keys(presets).sort())
  const linked = rows.map(([cell = '']) => cell.match(/(?<=\]\()[^)]+/)?.[0])
  expect(linked.map(page => `docs/${page}`).sort()).toEqual(
    pages.filter(page => page.startsWith('docs/providers/')).sort(),
  )
  for (const [index, page = ''] of linked.entries()) {
    const text = read(`docs/${page}`)
    const name = page === 'providers/openid-connect.md' ? 'corp' : (code(rows[index]?.[1])[0] ?? '')
    expect([page, text]).toEqual([page, expect.stringContaining(`.com/sign-in/callback/${name}\``)])
    const environment = Object.assign(
      {},
      ...[...text.matchAll(/```sh\n(.+?)```/gs)].map(([, sh = '']) => parse(sh)),
    )
    const settings = {
      ...environment,
      ...(name === 'apple' && { PROVIDER_APPLE_PRIVATE_KEY: applePrivateKey }),
    }
    expect([page, readProviders([name], settings, true).problems]).toEqual([page, []])
    const documented = [...text.matchAll(/(?<=`)PROVIDER_[A-Z]+_([A-Z_]+)/g)].map(([, setting]) => setting)
    expect(documented.filter(setting => !providerSettingNames.includes(setting ?? ''))).toEqual([])
  }
})

test('docs/decisions/README.md lists every decision by its title', () => {
  const records = pages.filter(page => /decisions\/\d/.test(page)).sort()
  const titles = records.map(page => `- [${read(page).split('\n')[0]?.slice(2)}](${path.basename(page)})`)
  expect(read('docs/decisions/README.md').match(/^- .+$/gm)).toEqual(titles)
})

test('every page of docs/ begins with whom it is for and links to others', () => {
  for (const page of pages.filter(name => name.startsWith('docs/') && !/decisions\/\d/.test(name))) {
    const [title, blank, audience] = read(page).split('\n')
    expect([page, title, blank, audience]).toEqual([
      page,
      expect.stringMatching(/^# \w/),
      '',
      expect.stringMatching(/^For .+\./),
    ])
    expect([page, read(page)]).toEqual([page, expect.stringMatching(/\]\([\w./-]+\.md/)])
  }
})

test('every link between pages leads to a file and a heading that exist', () => {
  const broken = pages.flatMap(page =>
    [...read(page).matchAll(/\]\((?!https?:)([^)\s#]*)(?:#([^)\s]+))?\)/g)].flatMap(
      ([link, file = '', anchor]) => {
        const target = path.join(ROOT, path.dirname(page), file)
        if (file && !existsSync(target)) return [`${page}: ${link}`]
        const headings = anchor ? anchors(readFileSync(file ? target : path.join(ROOT, page), 'utf8')) : []
        return anchor && !headings.includes(anchor) ? [`${page}: ${link}`] : []
      },
    ),
  )
  expect(broken).toEqual([])
})
