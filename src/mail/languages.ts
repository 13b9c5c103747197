import { readdirSync } from 'node:fs'
import path from 'node:path'
import type { MailLanguage } from './texts.ts'

/** The languages that mails are written in, by language tag. */
export type MailLanguages = ReadonlyMap<string, MailLanguage>

const folder = new URL('./locales/', import.meta.url)
// Beside this file lies the code that it was made with: .ts as the tests run it, .js once it is built.
const extension = path.extname(new URL(import.meta.url).pathname)

/** Reads every language that has a file in `locales/`: adding one is adding a file. */
export async function loadMailLanguages(): Promise<MailLanguages> {
  const files = readdirSync(folder).filter(name => name.endsWith(extension) && !name.endsWith('.d.ts'))
  const languages = await Promise.all(
    files.map(async name => {
      const { default: language } = (await import(new URL(name, folder).href)) as { default: MailLanguage }
      return [path.basename(name, extension), language] as const
    }),
  )
  return new Map(languages)
}

/**
 * The language for a reader: that of `locale` (BCP 47), or of its first part, or the first of `fallbacks`
 * that there is, or English.
 */
export function pickLanguage(
  languages: MailLanguages,
  locale: string,
  fallbacks: readonly string[],
): { tag: string; language: MailLanguage } {
  for (const wanted of [locale, ...fallbacks, 'en']) {
    for (const tag of [wanted, new Intl.Locale(wanted).language]) {
      const language = languages.get(tag)
      if (language) return { tag, language }
    }
  }
  throw new Error('There is no file locales/en')
}
