import { cp, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'

const TEMPLATE = new URL('../template', import.meta.url)
/** npm leaves files with these names out of a package, so the template has them without the dot. */
const DOTTED = ['gitignore', 'dockerignore']
/** The files that name the project. */
const NAMED = ['package.json', 'README.md', 'Dockerfile', 'src/server.ts', 'src/server.test.ts']

/**
 * Creates a project in the folder, which is created if it does not exist. Returns its absolute path.
 * @throws Error if the folder has other files than those of Git, or if no package name can be made of its name
 */
export async function createProject(folder: string, version: string): Promise<string> {
  const target = path.resolve(folder)
  const name = packageName(path.basename(target))
  if (!name) throw new Error(`${folder} has no letter or digit in its name. Choose another folder.`)
  const existing = await readdir(target).catch(absent)
  if (existing.some(file => file !== '.git'))
    throw new Error(`${folder} is not empty. Choose another folder.`)
  await mkdir(target, { recursive: true })
  await cp(TEMPLATE, target, { recursive: true })
  for (const file of DOTTED) await rename(path.join(target, file), path.join(target, `.${file}`))
  const values = { name, title: titleOf(name), version }
  for (const file of NAMED) await fill(path.join(target, file), values)
  return target
}

function absent(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return []
  throw error.code === 'ENOTDIR' ? new Error(`${error.path} is a file. Choose another folder.`) : error
}

/** A name that npm accepts: lowercase letters, digits, hyphens, dots and underscores, not beginning with the latter two. */
function packageName(folder: string): string {
  return folder
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+|-+$/g, '')
}

/** `my-notes` becomes `My notes`. */
function titleOf(name: string): string {
  const words = name.replace(/[._-]+/g, ' ').trim()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** Replaces `{{name}}` and the like. */
async function fill(file: string, values: Record<string, string>): Promise<void> {
  const text = await readFile(file, 'utf8')
  await writeFile(
    file,
    text.replace(/\{\{(\w+)\}\}/g, (placeholder, key: string) => values[key] ?? placeholder),
  )
}
