import { useEffect, useState } from 'react'
import { useHistoryState } from 'wouter/use-browser-location'
import { useText } from '../language.tsx'
import { nameOf, providerOf } from '../providers.ts'
import { Notice } from './notice.tsx'

/** History state that tells a page what the visitor went to another service for. */
type Back = { connected?: string; confirmed?: boolean } | null

/** Says what a visit to another service has achieved. A reload does not say it again. */
export function BackNotice() {
  const text = useText()
  const state = useHistoryState<Back>()
  const [back, setBack] = useState(state)
  useEffect(() => {
    if (!state) return
    setBack(state)
    history.replaceState(null, '')
  }, [state])
  if (back?.connected !== undefined)
    return (
      <Notice kind="success">{text.providers.connectedNow(nameOf(text, providerOf(back.connected)))}</Notice>
    )
  return back?.confirmed ? <Notice kind="success">{text.providers.confirmedNow}</Notice> : null
}
