#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline/promises'
import { parseArgs } from 'node:util'
import { createProject } from './create-project.ts'

const DEFAULT_FOLDER = 'my-app'
const USAGE = `Usage: npm create authograph [folder]

Creates a project with an Authograph server of your own: a guarded resolver, a test, a Dockerfile, and pages with your
name and color.
`

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
}

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { help: { type: 'boolean', short: 'h' }, version: { type: 'boolean' } },
  })
  if (values.help) return print(USAGE)
  if (values.version) return print(`${version}\n`)
  if (positionals.length > 1) throw new Error(`Name one folder.\n\n${USAGE}`)
  const folder = positionals[0] ?? (await askFolder())
  const created = await createProject(folder, version)
  const [manager = 'npm'] = (process.env.npm_config_user_agent ?? '').split('/')
  print(
    [
      `Created ${created}. Start it:`,
      '',
      ...(created === process.cwd() ? [] : [`  cd ${path.relative('.', created)}`]),
      `  ${manager || 'npm'} install`,
      `  ${manager || 'npm'} start`,
      '',
      '',
    ].join('\n'),
  )
}

async function askFolder(): Promise<string> {
  if (!process.stdin.isTTY) throw new Error(`Name the folder of the new project.\n\n${USAGE}`)
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  try {
    return (await terminal.question(`Folder (${DEFAULT_FOLDER}): `)).trim() || DEFAULT_FOLDER
  } finally {
    terminal.close()
  }
}

function print(text: string): void {
  process.stdout.write(text)
}

try {
  await main()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 1
}
