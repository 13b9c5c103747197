// Preloaded by the bench of tracing: `?without` removes the calls of tracing from the service's modules.
import { register } from 'node:module'

const without = import.meta.url.endsWith('?without')
register('./tracing-hooks.js', import.meta.url, { data: { without } })
