import { readStored } from './browser-storage.ts'

/** Where the language that the visitor chose is kept. */
export const LANGUAGE = 'authograph.language'

/** Of these languages, the one that the visitor chose on this device, or else the browser's first. */
export function firstLanguageOf(tags: string[]): string {
  const wishes = [readStored(LANGUAGE), ...navigator.languages].filter(tag => tag !== null)
  for (const wish of wishes) {
    const found = tags.find(tag => tag === wish || primaryOf(tag) === primaryOf(wish))
    if (found) return found
  }
  return tags[0] ?? 'en'
}

/** `ko` for `ko-KR`. */
export function primaryOf(tag: string): string {
  return tag.split('-')[0]?.toLowerCase() ?? ''
}
