// In place of `negotiator` in Apollo Server, which reads the header `Accept` of each request with it, whether there is one
// or not. Answers the same, and remembers it.
import Negotiator from 'negotiator'
import { remembered } from './remembered.mjs'

const mediaTypesIn = remembered(accept => {
  const negotiator = new Negotiator({ headers: { accept } })
  return remembered(available => ({ chosen: negotiator.mediaType(available.split('\n')) }))
})

export default class QuickNegotiator {
  #accept

  constructor({ headers: { accept } }) {
    this.#accept = accept
  }

  mediaType(available) {
    return mediaTypesIn(this.#accept)(available.join('\n')).chosen
  }
}
