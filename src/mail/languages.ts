import { readdirSync } from 'node:fs'
import path from 'node:path'
import type { MailLanguage } from './texts.ts'

/** The languages of emails, by language tag. */
export type MailLanguages = ReadonlyMap<string, MailLanguage>

const folder = new URL('./locales/', import.meta.url)
// .ts in tests, .js after a build.
const extension = path.extname(new URL(import.meta.url).pathname)

/** Loads every language in `locales/`. To add a language, add a file. */
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
 * The language for a reader: the one of `locale` (BCP 47) or of its primary tag, otherwise the first available of
 * `fallbacks`, otherwise English.
 */
export function pickLanguage(
  languages: MailLanguages,
  locale: string,
  fallbacks: readonly string[],
): { tag: string; language: MailLanguage } {
  for (const candidate of [locale, ...fallbacks, 'en']) {
    for (const tag of [candidate, new Intl.Locale(candidate).language]) {
      const language = languages.get(tag)
      if (language) return { tag, language }
    }
  }
  throw new Error('The file locales/en is missing')
}
