import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import Fastify, { type FastifyInstance } from 'fastify'
import { loadConfig } from '../../src/config.ts'
import { assetRoutes } from '../../src/http/built-files.ts'
import { webRoutes } from '../../src/http/web.ts'
import { createLog } from '../../src/log.ts'

// A stand-in for the output of npm run build, which the tests in test/web/ open in a browser.
const INDEX =
  '<html lang="en"><head><title>Authograph</title><script type="application/json" id="facts"></script></head><body><div id="root"></div></body></html>'
const MANIFEST = {
  'index.html': { file: 'assets/main-1.js', imports: ['_shared.js'] },
  '_shared.js': { file: 'assets/shared-4.js' },
  'admin/users.tsx': { file: 'assets/users-2.js', imports: ['index.html', '_table.js', '_shared.js'] },
  '_table.js': { file: 'assets/table-3.js', imports: ['_shared.js'], css: ['assets/table-3.css'] },
}
const SCRIPT = 'export const asset = true'
const HOSTILE = '</script><script>alert(1)</script>&"$&$1'

let folder: string
let server: FastifyInstance
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'authograph-web-'))
  await mkdir(path.join(folder, 'assets'))
  await Promise.all([
    writeFile(path.join(folder, 'index.html'), INDEX),
    writeFile(path.join(folder, 'start.js'), ''),
    writeFile(path.join(folder, 'manifest.json'), JSON.stringify(MANIFEST)),
    writeFile(path.join(folder, 'icon.svg'), '<svg fill="#5b5bd6"/>'),
    writeFile(path.join(folder, 'assets', 'main-1.js'), SCRIPT),
    writeFile(path.join(folder, 'assets', 'main-1.js.gz'), gzipSync(SCRIPT)),
  ])
  server = await serving({
    APP_NAME: HOSTILE,
    BRAND_COLOR: '#00AA88',
    BRAND_LOGO_URL: 'https://cdn.example.com/logo.svg',
    RETURN_ORIGINS: 'https://app.example.com',
  })
})
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

function appWith(settings: Record<string, string>) {
  const config = loadConfig(settings)
  return { config, log: createLog(config) }
}

async function serving(settings: Record<string, string>): Promise<FastifyInstance> {
  const fastify = Fastify()
  await webRoutes(fastify, appWith(settings), folder)
  await assetRoutes(fastify, folder)
  return fastify
}

test.each([
  '/',
  '/sign-in',
  '/register',
  '/forgot-password',
  '/verify-email?token=x',
  '/reset-password?token=x',
  '/accept-invitation?token=x',
  '/confirm-email?token=x',
  '/undo-email?token=x',
  '/account',
  '/account/security',
  '/users',
  '/users/01a1fbe5-6c2e-7233-9821-dc0a2df90c9c',
  '/audit',
  '/roles',
  '/mails',
])('%s sends the page, which browsers revalidate each time', async url => {
  const { statusCode, headers } = await server.inject(url)
  expect(statusCode).toBe(200)
  expect(headers['content-type']).toBe('text/html; charset=utf-8')
  expect(headers['cache-control']).toBe('no-cache')
})

test('an unchanged page is not sent again', async () => {
  const { headers } = await server.inject('/sign-in')
  const again = await server.inject({ url: '/sign-in', headers: { 'if-none-match': String(headers.etag) } })
  expect(again.statusCode).toBe(304)
  expect(again.body).toBe('')
})

test('a page is sent compressed, once for all, and each form has its own validator', async () => {
  const plain = await server.inject('/sign-in')
  const etags = new Set([plain.headers.etag])
  for (const [accepted, encoding, decode] of [
    ['gzip, deflate, br', 'br', brotliDecompressSync],
    ['gzip;q=1.0, br;q=0', 'gzip', gunzipSync],
  ] as const) {
    const headers = { 'accept-encoding': accepted }
    const reply = await server.inject({ url: '/sign-in', headers })
    expect(reply.headers['content-encoding']).toBe(encoding)
    expect(String(reply.headers.vary)).toContain('accept-encoding')
    expect(decode(reply.rawPayload).toString()).toBe(plain.body)
    etags.add(reply.headers.etag)
    const known = { ...headers, 'if-none-match': String(reply.headers.etag) }
    expect((await server.inject({ url: '/sign-in', headers: known })).statusCode).toBe(304)
  }
  expect(etags.size).toBe(3)
})

test('a page loads its own chunks and their styles together with the script of all pages', async () => {
  const { body } = await server.inject('/users')
  const links = body.matchAll(/<link rel="(\S+)"(?: fetchpriority="low")? crossorigin href="(\S+)">/g)
  const linked = [...links].map(([, ...link]) => link)
  expect(linked).toEqual([
    ['stylesheet', '/assets/table-3.css'],
    ['modulepreload', '/assets/users-2.js'],
    ['modulepreload', '/assets/table-3.js'],
  ])
  // They must not delay the session and the list, for which start.js asks.
  expect(body.match(/<link rel="modulepreload" fetchpriority="low"/g)).toHaveLength(2)
  expect((await server.inject('/sign-in')).body).not.toContain('modulepreload')
})

test('the page’s policy allows only our scripts, no framing, and the logo’s origin', async () => {
  const policy = String((await server.inject('/')).headers['content-security-policy']).split('; ')
  expect(policy).toContain("default-src 'self'")
  expect(policy).toContain("script-src 'self'")
  expect(policy).toContain("frame-ancestors 'none'")
  expect(policy).toContain("base-uri 'none'")
  expect(policy).toContain("img-src 'self' data: https://cdn.example.com")
})

test('the page contains the settings, and no setting can escape its element', async () => {
  const { body } = await server.inject('/')
  const json = /<script type="application\/json" id="facts">(.*?)<\/script>/.exec(body)?.[1] ?? ''
  expect(JSON.parse(json)).toMatchObject({
    appName: HOSTILE,
    color: '#00aa88',
    logoUrl: 'https://cdn.example.com/logo.svg',
    returnOrigins: ['https://app.example.com'],
    passwordMinLength: 8,
    registrationOpen: true,
  })
  expect(body.match(/<script/g)).toHaveLength(1)
  expect(/<title>(.*)<\/title>/.exec(body)?.[1]).not.toContain('<')
})

test('the page contains no secret settings', async () => {
  const secrets = {
    AUTHOGRAPH_SECRET: 'a secret that only the tests may know',
    METRICS_TOKEN: 'a token of the metrics',
    DATABASE_URL: 'postgresql://user:hush@localhost/db',
    SMTP_URL: 'smtp://user:hush@localhost',
  }
  const secretive = await serving(secrets)
  const { body } = await secretive.inject('/')
  for (const secret of [...Object.values(secrets), 'hush']) expect(body).not.toContain(secret)
  await secretive.close()
})

test('by default, people can return only to PUBLIC_URL', async () => {
  const plain = await serving({ PUBLIC_URL: 'https://auth.example.com/' })
  expect((await plain.inject('/')).body).toContain('"returnOrigins":["https://auth.example.com"]')
  await plain.close()
})

test('the icon has the brand color', async () => {
  expect((await server.inject('/icon.svg')).body).toBe('<svg fill="#00aa88"/>')
})

test('assets are cached indefinitely and sent compressed', async () => {
  const { headers, rawPayload } = await server.inject({
    url: '/assets/main-1.js',
    headers: { 'accept-encoding': 'gzip' },
  })
  expect(headers['cache-control']).toBe('public, max-age=31536000, immutable')
  expect(headers['content-encoding']).toBe('gzip')
  expect(headers['content-type']).toMatch(/^(?:text|application)\/javascript/)
  expect(rawPayload).toEqual(gzipSync(SCRIPT))
  expect((await server.inject('/assets/main-1.js')).body).toBe(SCRIPT)
})

test.each(['/assets/', '/assets/main-2.js', '/assets/../index.html', '/assets/%2e%2e/index.html'])(
  'only assets are served below /assets/: %s',
  async url => {
    const { statusCode, body } = await server.inject(url)
    expect(statusCode).toBeGreaterThanOrEqual(400)
    expect(body).not.toContain('facts')
  },
)

test('without the built pages, the error names the solution', async () => {
  const nowhere = path.join(folder, 'nowhere')
  await expect(webRoutes(Fastify(), appWith({}), nowhere)).rejects.toMatchObject({
    message: expect.stringMatching(
      `^The pages are not built: ${nowhere} has no \\S+. Run npm run build, or set WEB=off.$`,
    ),
  })
})
