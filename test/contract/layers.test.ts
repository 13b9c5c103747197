import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { pageModules } from '../../src/http/page-chunks.ts'
import { pageAddresses } from '../../src/page-addresses.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')
const {
  LAYERS: layers,
  default: { forbidden },
} = (await import(path.join(ROOT, '.dependency-cruiser.mjs'))) as {
  LAYERS: string[]
  default: { forbidden: Rule[] }
}

type Rule = {
  name: string
  from: { path?: string; pathNot?: string | string[] }
  to: { path?: string | string[]; pathNot?: string }
}

/** Whether a lint rule forbids this import. */
function isForbidden(from: string, to: string): boolean {
  const matches = (patterns: string | string[] | undefined, file: string) =>
    patterns !== undefined && [patterns].flat().some(pattern => new RegExp(pattern).test(file))
  return forbidden.some(
    rule =>
      rule.to.path !== undefined &&
      matches(rule.from.path, from) &&
      !matches(rule.from.pathNot, from) &&
      matches(rule.to.path, to) &&
      !matches(rule.to.pathNot, to),
  )
}

test.each([
  ['src/sessions/start.ts', 'src/sign-in/login.ts'],
  ['src/credentials/password/prove.ts', 'src/sessions/start.ts'],
  ['src/sign-in/register.ts', 'src/self-service/verify-email.ts'],
  ['src/self-service/reset-password.ts', 'src/admin/users/update-user.ts'],
  ['src/admin/administer.ts', 'src/admin/users/users.resolver.ts'],
  ['src/database/pool.ts', 'src/audit/record.ts'],
  ['src/mail/outbox.ts', 'src/graphql/schema.ts'],
  ['src/server.ts', 'src/client/client.ts'],
  ['src/client/client.ts', 'src/errors.ts'],
  ['src/verify/verifier.ts', 'src/errors.ts'],
  ['src/sessions/issue.ts', 'src/verify/verifier.ts'],
])('the linter forbids %s to import %s', (from, to) => {
  expect(isForbidden(from, to)).toBe(true)
})

test.each([
  ['src/sign-in/login.ts', 'src/sessions/start.ts'],
  ['src/admin/users/update-user.ts', 'src/admin/administer.ts'],
  ['src/sessions/start.ts', 'src/app.ts'],
  ['src/client/react.ts', 'src/client/client.ts'],
])('the linter allows %s to import %s', (from, to) => {
  expect(isForbidden(from, to)).toBe(false)
})

test('every layer in the list exists', () => {
  // Generated code exists only after a build.
  const missing = layers.filter(layer => layer !== 'generated/' && !existsSync(path.join(ROOT, 'src', layer)))
  expect(missing).toEqual([])
})

test('docs/architecture.md lists the layers in the order that the linter enforces', () => {
  const page = readFileSync(path.join(ROOT, 'docs/architecture.md'), 'utf8')
  const listed = [...page.matchAll(/^ {2}([a-z-]+(?:\/[a-z-]+)*(?:\/|\.ts)) {2,}\S/gm)].map(
    ([, name]) => name,
  )
  expect(listed.filter(name => !/^(?:client|create|verify|web)\//.test(name ?? ''))).toEqual(layers)
})

test('app.ts contains only types, so that every part can import it', () => {
  const text = readFileSync(path.join(ROOT, 'src/app.ts'), 'utf8')
  expect(text.match(/^import (?!type )|^export (?!type )/gm)).toBeNull()
})

test('the router of the pages has the addresses that the server and emails use', () => {
  const router = readFileSync(path.join(ROOT, 'src/web/app.tsx'), 'utf8')
  const routes = [...router.matchAll(/<Route path="([^"]+)"/g)].flatMap(([, route = '']) =>
    route.endsWith('/:section?')
      ? [route.slice(0, -10), route.replace(':section?', '*')]
      : route.replace('/:tab?', '').replace(':id', '*'),
  )
  expect(routes.sort()).toEqual([...pageAddresses].sort())
})

test('the server preloads the chunk of every page that the router loads later', () => {
  const router = readFileSync(path.join(ROOT, 'src/web/app.tsx'), 'utf8')
  const modules = new Map(
    [...router.matchAll(/const (\w+) = (?:lazy|preloadable)\(\(\) =>\s+import\('\.\/([^']+)'\)/g)].map(
      ([, name, file]) => [name, file],
    ),
  )
  expect(modules.size).toBeGreaterThan(3)
  const routed = [...router.matchAll(/<Route path="([^"]+)">\s+[^<]*<SignedIn[^>]*>[^<]*<(\w+)/g)].flatMap(
    ([, route = '', name = '']) => {
      const addresses = route.endsWith('/:section?')
        ? [route.slice(0, -10), route.replace(':section?', '*')]
        : [route.replace('/:tab?', '').replace(':id', '*')]
      return addresses.map(address => [address, modules.get(name)])
    },
  )
  const open = [...router.matchAll(/<Route path="([^"]+)" component=\{(\w+)\} \/>/g)].flatMap(
    ([, route = '', name = '']) => (modules.has(name) ? [[route, modules.get(name)]] : []),
  )
  expect(Object.fromEntries([...open, ...routed])).toEqual(pageModules)
})
