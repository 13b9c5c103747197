/** Reaches the pages of this server in the other tabs of the browser. */
export type PageChannel = { send: () => void }

/** Joins the channel `name`. `receive` runs when another tab sends; nothing arrives if the browser blocks channels. */
export function pageChannel(name: string, receive: () => void): PageChannel {
  // On the server there are no tabs.
  if (typeof document === 'undefined') return { send: () => {} }
  try {
    const channel = new BroadcastChannel(`authograph.pages ${name}`)
    channel.onmessage = receive
    return { send: () => channel.postMessage(null) }
  } catch {
    // The browser forbids it, for example when the user blocks all storage.
    return { send: () => {} }
  }
}
