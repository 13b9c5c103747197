import { writeFileSync } from 'node:fs'
import { createSchema, schemaText } from '../graphql/schema.ts'
import { subgraphText } from '../graphql/subgraph.ts'

export async function printSchemaFile({
  out,
  federation,
}: {
  out?: string
  federation?: boolean
}): Promise<void> {
  const text = federation ? await subgraphText(createSchema()) : schemaText()
  if (out) writeFileSync(out, text)
  else process.stdout.write(text)
}
