/** Writes an outcome to standard output: the text for people, or the value as JSON for programs. */
export function print(text: string, value: unknown, json: boolean | undefined): void {
  process.stdout.write(json ? `${JSON.stringify(value)}\n` : `${text}\n`)
}
