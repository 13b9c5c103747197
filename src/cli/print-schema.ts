import { writeFileSync } from 'node:fs'
import { schemaText } from '../graphql/schema.ts'

export function printSchemaFile({ out }: { out?: string }): void {
  if (out) writeFileSync(out, schemaText())
  else process.stdout.write(schemaText())
}
