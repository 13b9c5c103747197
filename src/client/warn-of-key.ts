/** Says in the console that a session has no key, or lost it. The texts are loaded on demand: almost no page needs them. */
export function warnOfKey(problem: 'lost' | 'refused'): void {
  import('./key-warnings.ts').then(
    texts => texts.warnOfKey(problem),
    () => {},
  )
}
