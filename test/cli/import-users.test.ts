import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { newAddress, signIn } from '../support/actors.ts'
import { build, type CliRun, runCli, startCli } from '../support/cli.ts'
import { runCliHere } from '../support/cli-here.ts'
import { CHEAP_HASH } from '../support/foreign-hashes.ts'
import { useService } from '../support/service.ts'

const AUTHOGRAPH_SECRET = 'a secret that only the tests may know'
const service = useService({ settings: { AUTHOGRAPH_SECRET } })

let folder: string
beforeAll(async () => {
  await build()
  folder = await mkdtemp(join(tmpdir(), 'authograph-import-'))
}, 120_000)
afterAll(() => rm(folder, { recursive: true }))

const settings = () => ({ DATABASE_URL: service.app.config.database.url!, AUTHOGRAPH_SECRET })
const cli = (args: string[], input?: string, run = runCliHere): Promise<CliRun> =>
  run(args, { settings: settings(), ...(input !== undefined && { input }) })
const importing = (text: string, ...args: string[]) => cli(['import-users', '-', ...args], text)
/** The same from a pipe. */
const piping = (text: string, ...args: string[]) => cli(['import-users', '-', ...args], text, runCli)
const lines = (...records: object[]) => records.map(record => `${JSON.stringify(record)}\n`).join('')
const byEmail = (emailCanonical: string) =>
  service.app.db.user.findUniqueOrThrow({ where: { emailCanonical } })

describe('importing CSV', () => {
  test('CSV with quoted line breaks, a BOM and Windows line endings is read correctly', async () => {
    const [one, two] = [newAddress(), newAddress()]
    const file = join(folder, 'users.csv')
    await writeFile(
      file,
      `\uFEFFemail,name,passwordHash,note\r\n${one},"Lovelace, ""Ada""",${CHEAP_HASH},"two\r\nlines"\r\n\r\n${two},Grace,,\r\n`,
    )
    const run = await cli(['import-users', file], '', runCli)
    expect(run).toEqual({
      exitCode: 0,
      stderr: '',
      stdout: [
        'Read: 2',
        'Imported: 2',
        '  1 without a password; their owners must reset it',
        '  1 with a weak password hash until their owners sign in',
        'Already existed: 0',
        'Skipped: 0',
        'Ignored columns (see --map): note',
        '',
      ].join('\n'),
    })
    expect((await byEmail(one)).displayName).toBe('Lovelace, "Ada"')
    await signIn(service, one)
  })

  test('a line with too many columns is skipped and reported with its number', async () => {
    const [one, two] = [newAddress(), newAddress()]
    const text = `email,name\n${one},Ada\nx,y,z\n${two},Grace\n`
    const { exitCode, stdout } = await importing(text, '--format', 'csv', '--json')
    expect(exitCode).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject({ read: 3, taken: 2, skipped: 1, reasons: [{ lines: [3] }] })
  })
})

describe('importing JSON Lines', () => {
  test('JSON Lines are read from a pipe, and problems are reported without password hashes', async () => {
    const [one, two] = [newAddress(), newAddress()]
    const file = join(folder, 'skipped.jsonl')
    const secret = 'pbkdf2:md5:1$salt$0123456789abcdef0123456789abcdef'
    const text = `${lines({ mail: one })}\n{"mail": "${two}", "passwordHash": "${secret}"\n[1]\n${lines({ mail: two, passwordHash: secret })}${'x'.repeat(2_000_000)}\n${lines({ mail: two })}`
    const args = ['--format', 'jsonl', '--map', 'email=mail', '--report', file]
    const { exitCode, stdout, stderr } = await piping(text, ...args)
    expect([exitCode, stderr]).toEqual([2, ''])
    expect(stdout).toContain(
      'Read: 6\nImported: 2\n  2 without a password; their owners must reset it\nAlready existed: 0\nSkipped: 4\n',
    )
    expect(stdout).toContain('  2 × The line is not a JSON object. (line 3, 4)\n')
    const skipped = await readFile(file, 'utf8')
    expect(
      skipped
        .trim()
        .split('\n')
        .map(line => JSON.parse(line)),
    ).toEqual([
      { line: 3, reason: 'The line is not a JSON object.' },
      { line: 4, reason: 'The line is not a JSON object.' },
      { line: 5, email: two, reason: 'passwordHash: The password hash is of a kind that is not known here.' },
      { line: 6, reason: 'The record is longer than 1 MiB.' },
    ])
    expect(stdout + skipped).not.toContain('0123456789abcdef')
    expect((await stat(file)).mode & 0o077).toBe(0)
  })

  test('lines are complete without a final line break, and if a chunk ends inside a character', async () => {
    const emails = Array.from({ length: 3000 }, () => newAddress())
    const text = lines(...emails.map(email => ({ email, displayName: '홍길동'.repeat(20) }))).trim()
    const { exitCode, stdout } = await piping(text, '--format', 'jsonl', '--json')
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ read: 3000, taken: 3000 })
    expect((await byEmail(emails[2999]!)).displayName).toBe('홍길동'.repeat(20))
  })
})

test('--dry-run changes nothing', async () => {
  const count = await service.app.db.user.count()
  const { exitCode, stdout } = await importing(
    lines({ email: newAddress() }),
    '--format',
    'jsonl',
    '--dry-run',
  )
  expect(exitCode).toBe(0)
  expect(stdout).toMatch(/^Dry run: nothing was changed.*\nRead: 1\nImported: 1\n/)
  expect(await service.app.db.user.count()).toBe(count)
})

test('importing an administrator requires --allow-admin', async () => {
  const text = lines({ email: newAddress(), roles: ['admin'] })
  expect((await importing(text, '--format', 'jsonl')).exitCode).toBe(2)
  expect((await importing(text, '--format', 'jsonl', '--allow-admin')).exitCode).toBe(0)
})

test.each([
  ['a missing file', ['import-users', '/nowhere.csv'], /^ENOENT: no such file/],
  ['a file of an unknown format', ['import-users', 'users.xlsx'], '--format jsonl or --format csv'],
  ['standard input without a format', ['import-users', '-'], '--format jsonl or --format csv'],
  ['an unknown format', ['import-users', '-', '--format', 'xml'], 'Allowed choices are jsonl, csv', runCli],
  ['an unknown field', ['import-users', 'a.csv', '--map', 'mail=email'], 'Fields: id, email,'],
  [
    'a report in a missing folder',
    ['import-users', '-', '--format', 'csv', '--report', '/nowhere/x'],
    /^ENOENT: no such file/,
  ],
  ['an incomplete mapping', ['import-users', 'a.csv', '--map', 'email'], 'Write --map as FIELD=COLUMN'],
])('%s fails with advice', async (_, args, advice, run = runCliHere) => {
  const { exitCode, stdout, stderr } = await cli(args, '', run)
  expect([exitCode, stdout]).toEqual([1, ''])
  expect(stderr).toMatch(advice)
  expect(stderr).not.toContain('    at ')
})

test('a report never overwrites the imported file', async () => {
  const file = join(folder, 'mine.jsonl')
  await writeFile(file, lines({ email: newAddress() }))
  const before = await readFile(file)
  const { exitCode, stderr } = await cli(['import-users', file, '--report', file])
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining('Choose another name for --report')])
  expect(await readFile(file)).toEqual(before)
})

test('SIGINT stops an import with a report, and running it again continues', async () => {
  const emails = Array.from({ length: 1300 }, () => newAddress())
  const text = lines(...emails.map(email => ({ email })))
  const run = startCli(['import-users', '-', '--format', 'jsonl', '--json'], settings())
  run.stdin.write(text)
  // The input stays open, so only the signal can end the import.
  await expectEventually(() => service.app.db.user.count({ where: { emailCanonical: { in: emails } } }), 1000)
  run.kill('SIGINT')
  const { exitCode, stdout } = await run.ended
  expect(exitCode).toBe(130)
  const report = JSON.parse(stdout) as { read: number; taken: number }
  expect(report).toMatchObject({ interrupted: true, read: report.taken })
  expect(report.taken).toBeGreaterThanOrEqual(1000)
  const again = await importing(text, '--format', 'jsonl', '--json')
  expect(again.exitCode).toBe(0)
  expect(JSON.parse(again.stdout)).toMatchObject({ taken: 1300 - report.taken, alreadyThere: report.taken })
})

test('SIGINT during a CSV import imports every complete record that was read', async () => {
  const emails = Array.from({ length: 600 }, () => newAddress())
  const half = newAddress()
  const text = `email\n${emails.join('\n')}\n`
  const run = startCli(['import-users', '-', '--format', 'csv', '--json'], settings())
  run.stdin.write(text + half)
  // The input stays open, so only the signal can end the import.
  await expectEventually(() => service.app.db.user.count({ where: { emailCanonical: { in: emails } } }), 500)
  run.kill('SIGINT')
  const { exitCode, stdout } = await run.ended
  expect(exitCode).toBe(130)
  expect(JSON.parse(stdout)).toMatchObject({ interrupted: true, read: 600, taken: 600, skipped: 0 })
  expect(await service.app.db.user.count({ where: { emailCanonical: { in: emails } } })).toBe(600)
  expect(await service.app.db.user.count({ where: { emailCanonical: half } })).toBe(0)
})

async function expectEventually(count: () => Promise<number>, atLeast: number): Promise<void> {
  const deadline = Date.now() + 20_000
  while ((await count()) < atLeast) {
    if (Date.now() > deadline) throw new Error(`There should be ${atLeast}.`)
  }
}

describe('export-users', () => {
  test('export-users exits with 1 and a clear message if its reader closes the pipe', async () => {
    await importing(
      lines(...Array.from({ length: 3000 }, () => ({ email: newAddress(), displayName: 'x'.repeat(100) }))),
      '--format',
      'jsonl',
    )
    const run = startCli(['export-users'], settings())
    run.stdout.destroy()
    const { exitCode, stderr } = await run.ended
    expect([exitCode, stderr]).toEqual([1, 'Standard output was closed.\n'])
  })

  test('export-users writes a file that import-users reads, with hashes on request, readable only by its owner', async () => {
    const email = newAddress()
    await importing(lines({ email, passwordHash: CHEAP_HASH }), '--format', 'jsonl')
    const out = join(folder, 'export.jsonl')
    const run = await cli(['export-users', '--out', out, '--with-password-hashes'], '', runCli)
    expect(run).toMatchObject({
      exitCode: 0,
      stdout: '',
      stderr: expect.stringMatching(/^[\d,]+ accounts written to /),
    })
    expect((await stat(out)).mode & 0o077).toBe(0)
    const text = await readFile(out, 'utf8')
    expect(text).toContain(`"email":"${email}"`)
    expect(text).toContain(CHEAP_HASH)
    const count = await service.app.db.user.count()
    const again = await cli(['import-users', out, '--json', '--allow-admin'])
    expect(JSON.parse(again.stdout)).toMatchObject({ read: count, taken: 0, alreadyThere: count })
  })

  test('export-users writes to standard output, without hashes by default', async () => {
    const { exitCode, stdout, stderr } = await cli(['export-users'])
    expect([exitCode, stderr]).toEqual([0, ''])
    expect(stdout.trim().split('\n')).toHaveLength(await service.app.db.user.count())
    expect(stdout).not.toContain('$2b$')
  })

  test('export-users through npm run does not mix npm’s banner with the accounts', async () => {
    const npm = (npm_config_loglevel: string) =>
      runCli(['export-users'], {
        settings: { ...settings(), npm_lifecycle_event: 'cli', npm_config_loglevel },
      })
    const { exitCode, stdout, stderr } = await npm('notice')
    expect([exitCode, stdout]).toEqual([1, ''])
    expect(stderr).toContain('npx authograph export-users')
    expect(await npm('silent')).toMatchObject({ exitCode: 0, stderr: '' })
  })

  test('export-users never overwrites a file', async () => {
    const out = join(folder, 'precious.jsonl')
    await writeFile(out, 'precious')
    expect(await cli(['export-users', '--out', out])).toMatchObject({ exitCode: 1, stdout: '' })
    expect(await readFile(out, 'utf8')).toBe('precious')
  })
})
