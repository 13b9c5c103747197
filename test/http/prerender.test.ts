import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import Fastify from 'fastify'
import pino from 'pino'
import { loadConfig } from '../../src/config.ts'
import { preferredLanguage, rendering } from '../../src/http/prerender.ts'
import { webRoutes } from '../../src/http/web.ts'
import { renderedAddresses } from '../../src/page-addresses.ts'

describe('the language of a rendered page', () => {
  test.each([
    ['ko-KR,ko;q=0.9,en-US;q=0.8', 'ko'],
    ['en-US,en;q=0.9,ko;q=0.8', 'en'],
    ['en;q=0.5, ko;q=0.7', 'ko'],
    ['fr-FR, KO;q=0.1', 'ko'],
    ['ko;q=0, en', 'en'],
    ['fr', 'en'],
    ['*', 'en'],
    [';;q=,', 'en'],
    [undefined, 'en'],
  ])('is the visitor’s first that there is, else the default: %s', (header, tag) => {
    expect(preferredLanguage(header, ['en', 'ko'])).toBe(tag)
  })

  test('can be a variety of the language', () => {
    expect(preferredLanguage('pt-PT', ['en', 'pt-BR'])).toBe('pt-BR')
  })
})

const INDEX = '<html lang="en"><head><title>x</title></head><body><div id="root"></div></body></html>'
/** Renders what it was given, in place of the pages, and keeps count of its starts. */
const RENDERER = `
  import { appendFileSync } from 'node:fs'
  import { parentPort, workerData } from 'node:worker_threads'
  appendFileSync(new URL('starts', import.meta.url), 'x')
  const page = language => '<h1>$& ' + language + ' ' + workerData.appName.length + ' ' + Object.keys(process.env) + '</h1>'
  parentPort.postMessage({ '/sign-in': { en: page('en'), ko: page('ko') } })
  setInterval(() => {}, 1000)
`

describe('a built program', () => {
  const leftovers: (() => Promise<unknown>)[] = []
  afterAll(async () => {
    for (const undo of leftovers) await undo()
  })

  const built = async (renderer: string) => {
    const root = await mkdtemp(path.join(tmpdir(), 'authograph-rendered-'))
    leftovers.push(() => rm(root, { recursive: true }))
    const web = path.join(root, 'web')
    await Promise.all([mkdir(web), mkdir(path.join(root, 'prerender'))])
    await Promise.all([
      writeFile(path.join(root, 'package.json'), '{ "type": "module" }'),
      writeFile(path.join(web, 'index.html'), INDEX),
      writeFile(path.join(web, 'start.js'), ''),
      writeFile(path.join(web, 'icon.svg'), ''),
      writeFile(path.join(root, 'prerender', 'prerender.js'), renderer),
    ])
    return root
  }
  /** A server with the pages, how often its renderer has started, and what it has logged. */
  const serving = async (renderer: string) => {
    const root = await built(renderer)
    const server = Fastify()
    const logged: string[] = []
    const log = pino({ level: 'warn' }, { write: line => void logged.push(line) })
    await webRoutes(server, { config: loadConfig({ APP_NAME: 'Engine' }), log }, path.join(root, 'web'))
    leftovers.unshift(() => server.close())
    const starts = () =>
      readFile(path.join(root, 'prerender', 'starts'), 'utf8').then(
        ({ length }) => length,
        () => 0,
      )
    return { server, starts, logged }
  }

  test('sends a page with its content, in the visitor’s language, and caches keep the languages apart', async () => {
    const { server } = await serving(RENDERER)
    const korean = await server.inject({ url: '/sign-in', headers: { 'accept-language': 'ko-KR' } })
    expect(korean.body).toContain('<html lang="ko">')
    expect(korean.body).toContain('<div id="root"><h1>$& ko 6')
    expect(korean.headers.vary).toBe('accept-language, accept-encoding')
    const english = await server.inject('/sign-in')
    expect(english.body).toContain('<h1>$& en 6')
    expect(english.headers.etag).not.toBe(korean.headers.etag)
    expect((await server.inject('/account')).body).toContain('<div id="root"></div>')
  })

  test('renders when the first of these pages is requested, once for all that are requested meanwhile', async () => {
    const { server, starts } = await serving(RENDERER)
    await server.inject('/account')
    expect(await starts()).toBe(0)
    const addresses = ['/sign-in', '/register', '/users', '/sign-in', '/sign-in']
    const replies = await Promise.all(addresses.map(address => server.inject(address)))
    expect(replies.map(({ statusCode }) => statusCode)).toEqual(addresses.map(() => 200))
    const signIns = replies.filter((_, index) => addresses[index] === '/sign-in')
    for (const { body } of signIns) expect(body).toContain('<h1>$& en 6')
    expect((await server.inject('/sign-in')).body).toBe(signIns[0]?.body)
    expect(await starts()).toBe(1)
  })

  test('gives the renderer no setting that is not on the pages', async () => {
    const { server } = await serving(RENDERER)
    const { body } = await server.inject('/sign-in')
    expect(body).toContain('6 NODE_ENV</h1>')
  })

  test.each([
    ['fails', 'throw new Error("no renderer")', 'no renderer'],
    ['ends', 'process.exit(3)', 'ended with 3'],
  ])('sends its pages without content if the renderer %s, and logs why once', async (_, renderer, reason) => {
    const { server, logged } = await serving(renderer)
    for (const address of ['/sign-in', '/users', '/sign-in']) {
      const { statusCode, body } = await server.inject(address)
      expect(statusCode).toBe(200)
      expect(body).toContain('<div id="root"></div>')
    }
    expect(logged).toHaveLength(1)
    expect(logged[0]).toContain(reason)
  })

  test('waits for every page that the renderer renders, and for no other', async () => {
    const source = await readFile(new URL('../../src/web/prerender.tsx', import.meta.url), 'utf8')
    const rendered = [...source.matchAll(/'(\/[a-z-]+)'/g)].map(([, address]) => address)
    expect([...renderedAddresses].sort()).toEqual(rendered.sort())
  })

  test('does not wait forever for a renderer', async () => {
    const root = await built('setInterval(() => {}, 1000)')
    const failures: Error[] = []
    const render = rendering(path.join(root, 'web'), {}, error => failures.push(error), 1)
    expect(await render()).toEqual({})
    expect(failures).toMatchObject([{ message: 'The renderer of the pages takes too long.' }])
  })
})
