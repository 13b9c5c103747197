import pino, { type Logger } from 'pino'
import type { Config } from './config.ts'

/** Logs JSON lines to standard output (1) or standard error (2). Fields that may contain secrets are redacted. */
export function createLog(config: Config, descriptor: 1 | 2 = 1): Logger {
  const options = {
    level: config.logLevel,
    redact: {
      paths: [
        '*.password',
        '*.token',
        '*.refreshToken',
        '*.accessToken',
        // PostgreSQL may quote a whole row in `detail`.
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
