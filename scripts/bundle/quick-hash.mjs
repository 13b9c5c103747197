// In place of `@apollo/utils.createhash` in Apollo Server, which hashes each document with it. In a bundle, the package
// finds no `module.require`, and hashes in JavaScript. Takes texts only.
import { hash } from 'node:crypto'

export function createHash(algorithm) {
  let text = ''
  return {
    update(more) {
      if (typeof more !== 'string') throw new TypeError('Only texts can be hashed here.')
      text += more
      return this
    },
    digest: encoding => hash(algorithm, text, encoding),
  }
}
