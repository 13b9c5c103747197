import { execFile, spawn } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import pg from 'pg'

const ROOT = path.resolve(import.meta.dirname, '../..')
const CLI = path.join(ROOT, 'dist/cli/main.js')

/** Compiles and bundles `dist` unless it is newer than every source. Workers of one run take turns. */
export async function build(): Promise<void> {
  const turn = new pg.Client(process.env.AUTHOGRAPH_TEST_SERVER)
  await turn.connect()
  try {
    await turn.query(`SELECT pg_advisory_lock(hashtext('build'))`)
    if (isBuilt()) return
    await promisify(execFile)(path.join(ROOT, 'node_modules/.bin/tsc'), { cwd: ROOT })
    await promisify(execFile)(process.execPath, [path.join(ROOT, 'scripts/bundle.mjs')])
  } finally {
    await turn.end()
  }
}

function isBuilt(): boolean {
  const builtAt = statSync(CLI, { throwIfNoEntry: false })?.mtimeMs ?? 0
  const sources = readdirSync(path.join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  return sources.every(file => statSync(path.join(ROOT, 'src', file)).mtimeMs < builtAt)
}

export type CliRun = { exitCode: number | null; stdout: string; stderr: string }

/**
 * Runs the compiled command line without a terminal and with no environment but `settings`, in a folder
 * that has no `.env`.
 */
export function runCli(
  args: string[],
  { settings = {}, input = '' }: { settings?: Record<string, string>; input?: string } = {},
): Promise<CliRun> {
  const { stdin, ended } = startCli(args, settings)
  stdin.end(input)
  return ended
}

/** The same, for what happens while it runs. */
export function startCli(args: string[], settings: Record<string, string>) {
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd: tmpdir(),
    env: { PATH: process.env.PATH, ...settings },
  })
  // A command that does not read its input may be gone before it is written.
  child.stdin.on('error', () => {})
  const closed = new Promise<number | null>(resolve => child.once('close', resolve))
  const ended: Promise<CliRun> = Promise.all([
    // A test may go away as its reader.
    text(child.stdout).catch(() => ''),
    text(child.stderr),
    closed,
  ]).then(([stdout, stderr, exitCode]) => ({ exitCode, stdout, stderr }))
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    ended,
  }
}
