/** Writes a result to standard output: text for people, or JSON for programs. */
export function print(text: string, value: unknown, json: boolean | undefined): void {
  process.stdout.write(json ? `${JSON.stringify(value)}\n` : `${text}\n`)
}
