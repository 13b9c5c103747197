// In place of `whatwg-mimetype` in Apollo Server, which reads the header `Content-Type` of each request with it. Answers the
// same, and remembers it.
import MimeType from 'whatwg-mimetype'
import { remembered } from './remembered.mjs'

const read = remembered(text => ({ parsed: MimeType.parse(text) }))

export default { parse: text => read(text).parsed }
