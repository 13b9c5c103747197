import { useHistoryMessage } from '../history-message.ts'
import { useText } from '../language.tsx'
import { nameOf, providerOf } from '../providers.ts'
import { Notice } from './notice.tsx'

/** History state that tells a page what the visitor went to another service for. */
type Back = { connected?: string; confirmed?: boolean }

const isBack = (state: object) => 'connected' in state || 'confirmed' in state

/** Says what a visit to another service has achieved. A reload does not say it again. */
export function BackNotice() {
  const text = useText()
  const back = useHistoryMessage<Back>(isBack)
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
