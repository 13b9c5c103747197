import { useEffect, useState } from 'react'
import { useHistoryState } from 'wouter/use-browser-location'

/**
 * What a page that led here says in the history state. Forgotten by the history, so that a reload does not say it again.
 * `isOwn` tells it from the messages for other parts of the page.
 */
export function useHistoryMessage<Message>(isOwn: (state: object) => boolean): Message | null {
  const state = useHistoryState<object | null>()
  const own = state !== null && isOwn(state) ? (state as Message) : null
  const [message, setMessage] = useState(own)
  useEffect(() => {
    if (!own) return
    setMessage(own)
    history.replaceState(null, '')
  }, [own])
  return message
}
