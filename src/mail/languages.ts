import { readdirSync } from 'node:fs'
import path from 'node:path'
import type { MailOptions, WholeMail } from './options.ts'
import type { MailLanguage } from './texts.ts'

/** The languages of emails, by language tag. */
export type MailLanguages = ReadonlyMap<string, MailLanguage<WholeMail>>

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
 * The languages with the texts of the embedding program. A new language, or what it leaves out of one, has the texts of
 * its primary tag, otherwise the English ones.
 * @throws Error that names an invalid tag or an unknown template
 */
export function withOwnTexts(
  languages: MailLanguages,
  { templates = {}, layouts = {} }: Pick<MailOptions, 'templates' | 'layouts'>,
): MailLanguages {
  const result = new Map(languages)
  // The shortest first, so that de-CH can build upon de.
  const tags = [...new Set([...Object.keys(templates), ...Object.keys(layouts)])].sort()
  for (const tag of tags) {
    if (!isTag(tag)) throw new Error(`mail.templates: ${tag} is not a BCP 47 language tag.`)
    const { language: base } = pickLanguage(result, tag, [])
    for (const [name, write] of Object.entries(templates[tag] ?? {})) {
      if (!Object.hasOwn(base.templates, name))
        throw new Error(`mail.templates.${tag}: there is no email named ${name}.`)
      if (typeof write !== 'function') throw new Error(`mail.templates.${tag}: ${name} must be a function.`)
    }
    result.set(tag, { ...base, ...layouts[tag], templates: { ...base.templates, ...templates[tag] } })
  }
  return result
}

function isTag(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag)[0] === tag
  } catch {
    return false
  }
}

/**
 * The language for a reader: the one of `locale` (BCP 47) or of its primary tag, otherwise the first available of
 * `fallbacks`, otherwise English.
 */
export function pickLanguage(
  languages: MailLanguages,
  locale: string,
  fallbacks: readonly string[],
): { tag: string; language: MailLanguage<WholeMail> } {
  for (const candidate of [locale, ...fallbacks, 'en']) {
    for (const tag of [candidate, new Intl.Locale(candidate).language]) {
      const language = languages.get(tag)
      if (language) return { tag, language }
    }
  }
  throw new Error('The file locales/en is missing')
}
