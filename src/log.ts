import pino, { type Logger } from 'pino'
import type { Config } from './config.ts'

/** JSON lines on standard output, or standard error (2); what could carry a secret is never written. */
export function createLog(config: Config, descriptor: 1 | 2 = 1): Logger {
  const options = {
    level: config.logLevel,
    redact: {
      paths: [
        '*.password',
        '*.token',
        '*.refreshToken',
        '*.accessToken',
        // PostgreSQL may quote a whole row there.
        'err.detail',
        'err.cause.detail',
        'headers.authorization',
        'headers.cookie',
      ],
      censor: '[redacted]',
    },
  }
  return pino(options, pino.destination(descriptor))
}
