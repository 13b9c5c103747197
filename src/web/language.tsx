import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react'
import { writeStored } from './browser-storage.ts'
import { firstLanguageOf, LANGUAGE, primaryOf } from './language-choice.ts'
import { en, type Messages } from './locales/en.ts'
import { ko } from './locales/ko.ts'
import { settings } from './page-settings.ts'

const catalogues: Record<string, Messages> = { en, ko }

/** The languages of this server that the pages are available in. */
export const languages: { tag: string; name: string }[] = (() => {
  const offered = settings.locales.filter(tag => primaryOf(tag) in catalogues)
  return (offered.length > 0 ? offered : ['en']).map(tag => ({ tag, name: messagesOf(tag).name }))
})()

type LanguageState = { tag: string; text: Messages; choose: (tag: string) => void }

const LanguageContext = createContext<LanguageState | undefined>(undefined)

type LanguageProviderProps = { initial?: string | undefined; children: ReactNode }

/** Provides `initial`, by default the visitor's first language. */
export function LanguageProvider({ initial, children }: LanguageProviderProps) {
  const [tag, setTag] = useState(() => initial ?? firstLanguage())
  useEffect(() => {
    document.documentElement.lang = tag
  }, [tag])
  const state = useMemo(
    () => ({
      tag,
      text: messagesOf(tag),
      choose: (chosen: string) => {
        writeStored(LANGUAGE, chosen)
        setTag(chosen)
      },
    }),
    [tag],
  )
  return <LanguageContext value={state}>{children}</LanguageContext>
}

export function useLanguage(): LanguageState {
  const state = useContext(LanguageContext)
  if (!state) throw new Error('LanguageProvider is missing')
  return state
}

export function useText(): Messages {
  return useLanguage().text
}

/** The language that the visitor chose on this device, or else the browser's first that the pages have. */
export function firstLanguage(): string {
  return firstLanguageOf(languages.map(({ tag }) => tag))
}

function messagesOf(tag: string): Messages {
  return catalogues[primaryOf(tag)] ?? en
}
