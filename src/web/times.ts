import { useMemo } from 'react'
import { useLanguage } from './language.tsx'
import { type Times, timesIn } from './times-in.ts'

export type { Times } from './times-in.ts'

/** Times in the visitor's zone, written in the language of the page. */
export function useTimes(): Times {
  const { tag } = useLanguage()
  return useMemo(() => timesIn(tag), [tag])
}
