import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

export type Command = {
  name: string
  args: string[]
  /** The variables that the snippet set for this command. */
  settings: Record<string, string>
}

// The separators are characters that no snippet has.
const [ARG, PART, COMMAND] = ['\x1f', '\x1d', '\x1e']

/** Notes how it was called. `cat` prints what a secret file would have. */
const RECORDER = `#!/bin/sh
{
  printf '%s\\037' "\${0##*/}" "$@"
  printf '\\035'
  /usr/bin/env
  printf '\\036'
} >> "$RECORD"
case "\${0##*/}:$1" in
  cat:*.p8) printf "$P8" ;;
  cat:*/smtp) printf 'smtps://mail.example.com' ;;
  cat:*) printf 'the content of a file, which is long enough for a secret' ;;
esac
`

/**
 * The commands of a shell snippet as bash calls them, after its quoting and with the settings of each. bash runs the
 * snippet, with recorders in the place of the programs; it fails at a syntax error and at a program that is not in
 * `programs`.
 */
export async function commandsOf(
  snippet: string,
  programs: readonly string[],
  variables: Record<string, string> = {},
): Promise<Command[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'authograph-shell-'))
  try {
    for (const program of programs) {
      await writeFile(path.join(folder, program), RECORDER)
      await chmod(path.join(folder, program), 0o755)
    }
    const record = path.join(folder, '.record')
    await writeFile(record, '')
    const outer = { PATH: folder, RECORD: record, ...variables }
    await promisify(execFile)('/bin/bash', ['--noprofile', '--norc', '-euc', snippet], {
      cwd: folder,
      env: outer,
    })
    const calls = (await readFile(record, 'utf8')).split(COMMAND).slice(0, -1)
    return calls.map(call => commandOf(call, outer))
  } finally {
    await rm(folder, { recursive: true })
  }
}

function commandOf(call: string, outer: object): Command {
  const [line = '', environment = ''] = call.split(PART)
  const [name = '', ...args] = line.split(ARG).slice(0, -1)
  const variables = [...environment.matchAll(/^([A-Z][A-Z0-9_]*)=(.*)$/gm)]
  const own = variables.filter(([, key = '']) => !(key in outer) && !SHELL.has(key))
  return { name, args, settings: Object.fromEntries(own.map(([, key, value]) => [key, value])) }
}

/** What bash sets by itself. */
const SHELL = new Set(['PWD', 'OLDPWD', 'SHLVL'])
