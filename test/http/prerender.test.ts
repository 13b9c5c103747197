import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import Fastify, { type FastifyInstance } from 'fastify'
import { loadConfig } from '../../src/config.ts'
import { preferredLanguage } from '../../src/http/prerender.ts'
import { webRoutes } from '../../src/http/web.ts'

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
/** Renders what it was given, in place of the pages. */
const RENDERER = `
  import { parentPort, workerData } from 'node:worker_threads'
  const page = language => '<h1>$& ' + language + ' ' + workerData.appName.length + ' ' + Object.keys(process.env) + '</h1>'
  parentPort.postMessage({ '/sign-in': { en: page('en'), ko: page('ko') } })
  setInterval(() => {}, 1000)
`

describe('a built program', () => {
  let folder: string
  let server: FastifyInstance
  const built = async (renderer: string) => {
    const root = await mkdtemp(path.join(tmpdir(), 'authograph-rendered-'))
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
  beforeAll(async () => {
    folder = await built(RENDERER)
    server = Fastify()
    await webRoutes(server, loadConfig({ APP_NAME: 'Engine' }), path.join(folder, 'web'))
  })
  afterAll(async () => {
    await server.close()
    await rm(folder, { recursive: true })
  })

  test('sends a page with its content, in the visitor’s language, and caches keep the languages apart', async () => {
    const korean = await server.inject({ url: '/sign-in', headers: { 'accept-language': 'ko-KR' } })
    expect(korean.body).toContain('<html lang="ko">')
    expect(korean.body).toContain('<div id="root"><h1>$& ko 6')
    expect(korean.headers.vary).toBe('accept-language, accept-encoding')
    const english = await server.inject('/sign-in')
    expect(english.body).toContain('<h1>$& en 6')
    expect(english.headers.etag).not.toBe(korean.headers.etag)
    expect((await server.inject('/account')).body).toContain('<div id="root"></div>')
  })

  test('gives the renderer no setting that is not on the pages', async () => {
    const { body } = await server.inject('/sign-in')
    expect(body).toContain('6 NODE_ENV</h1>')
  })

  test('does not start if its renderer fails', async () => {
    const broken = await built('throw new Error("no renderer")')
    const starting = webRoutes(Fastify(), loadConfig({}), path.join(broken, 'web'))
    await expect(starting).rejects.toThrow('no renderer')
    await rm(broken, { recursive: true })
  })
})
