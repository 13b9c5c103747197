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
  if (back?.connected === undefined && !back?.confirmed) return null
  return (
    <div style={{ marginBottom: 24 }}>
      <Notice kind="success">
        {back.connected === undefined
          ? text.providers.confirmedNow
          : text.providers.connectedNow(nameOf(text, providerOf(back.connected)))}
      </Notice>
    </div>
  )
}
