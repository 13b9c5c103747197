import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

const ROOT = path.resolve(import.meta.dirname, '../..')

export type Snippet = {
  /** The page, by its path from the root. */
  page: string
  line: number
  /** What stands after the opening fence: `ts`, `sh`, or nothing. */
  language: string
  /** Without the indentation of a snippet in a list. */
  text: string
}

/** Every page for people, by its path from the root. */
export const pages: string[] = [
  ...readdirSync(ROOT),
  ...['docs', 'src'].flatMap(folder =>
    readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map(file =>
      path.join(folder, file).replaceAll(path.sep, '/'),
    ),
  ),
]
  .filter(file => file.endsWith('.md'))
  .sort()

const text = (page: string) => readFileSync(path.join(ROOT, page), 'utf8')

/** Every fenced snippet of every page, in the order in which they are read. */
export function snippets(): Snippet[] {
  return pages.flatMap(page => {
    const source = text(page)
    return [...source.matchAll(/^( *)```([^\n`]*)\n(.*?)^ *```$/gms)].map(
      ([, indent = '', language = '', body = ''], index) => ({
        page,
        line: lineOf(source, index),
        language,
        text: body.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
      }),
    )
  })
}

/** The line of the opening fence of the snippet with this index. */
function lineOf(source: string, index: number): number {
  const fences = source.split('\n').flatMap((line, at) => (/^ *```/.test(line) ? [at + 1] : []))
  return fences[2 * index] ?? 0
}

/** What stands in single backticks on any page, each once, with the first page that has it. */
export function inlineCode(): { page: string; text: string }[] {
  const found = new Map<string, string>()
  for (const page of pages.filter(name => name !== 'CHANGELOG.md')) {
    const prose = text(page).replaceAll(/^ *```.*?^ *```$/gms, '')
    for (const [, code = ''] of prose.matchAll(/(?<!`)`([^`\n]+)`(?!`)/g))
      if (!found.has(code)) found.set(code, page)
  }
  return [...found].map(([code, page]) => ({ page, text: code }))
}

/** The snippets in one of these languages, each text once. */
export function snippetsIn(...languages: string[]): Snippet[] {
  const found = snippets().filter(({ language }) => languages.includes(language))
  return [...new Map(found.reverse().map(snippet => [snippet.text, snippet])).values()].reverse()
}

/** Where a snippet stands, for the name of a test. */
export function place({ page, line }: Snippet): string {
  return `${page}:${line}`
}
