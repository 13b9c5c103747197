import type pg from 'pg'
import type { Config } from '../config.ts'

export type Finding = {
  status: 'ok' | 'warn' | 'fail'
  message: string
  /** How to fix a problem. */
  advice?: string
}

/** A check of `authograph doctor`. It changes nothing. */
export type Check<Context> = {
  name: string
  /** If this check finds a problem, later checks are meaningless and are not run. */
  required?: boolean
  run(context: Context): Promise<Finding[]>
}

export type CheckContext = { config: Config; now: () => Date }
export type DatabaseContext = CheckContext & { pool: pg.Pool }

export const ok = (message: string): Finding => ({ status: 'ok', message })
export const warn = (message: string, advice: string): Finding => ({ status: 'warn', message, advice })
export const fail = (message: string, advice: string): Finding => ({ status: 'fail', message, advice })
