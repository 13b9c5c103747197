import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { environment, INSTALL_TIMEOUT_MS, pack, packServer, ROOT, run, usePlace } from './support.ts'

const place = usePlace('authograph-create-')
let creator: string
let folder: string

const create = (...args: string[]) =>
  run(place(), 'npx', '--yes', '--package', creator, 'create-authograph', ...args)

/** As `npm create authograph my-notes` and `npm install` do, with the packages of this checkout. */
beforeAll(async () => {
  const server = await packServer(place())
  await pack('create', place())
  const packed = (await readdir(place())).find(file => file.startsWith('create-'))
  creator = `file:${path.join(place(), String(packed))}`
  expect(await create('my-notes')).toContain('cd my-notes')
  folder = path.join(place(), 'my-notes')
  const file = path.join(folder, 'package.json')
  const manifest = JSON.parse(await readFile(file, 'utf8')) as { dependencies: Record<string, string> }
  const { version } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')) as {
    version: string
  }
  expect(manifest).toMatchObject({ name: 'my-notes', dependencies: { authograph: version } })
  manifest.dependencies.authograph = server
  await writeFile(file, JSON.stringify(manifest))
  await run(folder, 'npm', 'install', '--no-audit', '--no-fund', '--prefer-offline')
}, INSTALL_TIMEOUT_MS)

/**
 * Runs a command that serves until Ctrl+C, which a terminal sends to all its processes. `look` gets the address in the
 * first line that has one.
 */
async function whileServing(
  command: string,
  args: string[],
  look: (url: string) => Promise<void>,
): Promise<void> {
  const child = spawn(command, args, {
    cwd: folder,
    env: environment(),
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  const ended = new Promise<number | null>(resolve => child.once('close', resolve))
  const url = await new Promise<string | undefined>(resolve => {
    createInterface(child.stdout).on('line', line => {
      const [found] = /http:\/\/localhost:\d+/.exec(line) ?? []
      if (found) resolve(found)
    })
    void ended.then(() => resolve(undefined))
  })
  try {
    expect(url).toEqual(expect.any(String))
    await look(String(url))
  } finally {
    if (child.pid) process.kill(-child.pid, 'SIGINT')
    await ended
  }
  // PostgreSQL has ended, too.
  expect(existsSync(path.join(folder, 'data/postgres/postmaster.pid'))).toBe(false)
}

describe('the project that npm create authograph creates', () => {
  test(
    'passes its own tests',
    async () => {
      const output = await run(folder, 'npm', 'test')
      expect(output).toMatch(/pass 4\n/)
      expect(output).toMatch(/fail 0\n/)
    },
    INSTALL_TIMEOUT_MS,
  )

  test(
    'serves pages with its own name and color, and its resolver behind the guard',
    async () => {
      await whileServing('npm', ['start'], async url => {
        const page = await (await fetch(`${url}/sign-in`, { headers: { accept: 'text/html' } })).text()
        expect(page).toContain('My notes')
        expect(page).toContain('0f766e')
        const answer = await fetch(`${url}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ query: '{ notes { text } }' }),
        })
        expect(await answer.json()).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] })
      })
    },
    INSTALL_TIMEOUT_MS,
  )

  test('has a Dockerfile that copies what exists and runs what npm start runs', async () => {
    const dockerfile = await readFile(path.join(folder, 'Dockerfile'), 'utf8')
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, files = '']) =>
      files.split(' '),
    )
    expect(copied.length).toBeGreaterThan(3)
    expect(copied.filter(file => !existsSync(path.join(folder, file)))).toEqual([])
    const { scripts } = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>
    }
    const [, command = ''] = /^CMD (\[.+\])$/m.exec(dockerfile) ?? []
    expect((JSON.parse(command) as string[]).at(-1)).toBe(scripts.start?.replace('node ', ''))
    const ignored = await readFile(path.join(folder, '.gitignore'), 'utf8')
    expect(ignored).toContain('.env')
  })

  test(
    'is not written over files that exist',
    async () => {
      await mkdir(path.join(place(), 'taken'))
      await writeFile(path.join(place(), 'taken/file'), 'mine')
      await expect(create('taken')).rejects.toThrow('taken is not empty. Choose another folder.')
      expect(await readdir(path.join(place(), 'taken'))).toEqual(['file'])
      await expect(create()).rejects.toThrow('Usage: npm create authograph')
    },
    INSTALL_TIMEOUT_MS,
  )
})

test(
  'npx authograph start starts the server without a checkout, and Ctrl+C ends it and its PostgreSQL',
  async () => {
    await whileServing('npx', ['authograph', 'start'], async url => {
      expect((await fetch(`${url}/readyz`)).status).toBe(200)
    })
  },
  INSTALL_TIMEOUT_MS,
)

test('authograph/schema.graphql is the schema, for tools that generate code', async () => {
  const program = `
    import { readFileSync } from 'node:fs'
    console.log(readFileSync(new URL(import.meta.resolve('authograph/schema.graphql')), 'utf8'))`
  await writeFile(path.join(folder, 'schema.mjs'), program)
  const printed = await run(folder, 'node', 'schema.mjs')
  expect(printed.trim()).toBe((await readFile(path.join(ROOT, 'schema.graphql'), 'utf8')).trim())
})
