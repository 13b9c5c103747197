import { readFileSync } from 'node:fs'
import { parse as parseDotenv } from 'dotenv'

export type Environment = Record<string, string | undefined>

/** The environment of the process. Missing variables are taken from `.env` in the working folder. */
export function readEnvironment(): Environment {
  let file: Record<string, string> = {}
  try {
    file = parseDotenv(readFileSync('.env'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return { ...file, ...process.env }
}
