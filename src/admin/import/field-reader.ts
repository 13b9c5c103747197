import { type ImportField, importFields } from './import-row.ts'

/** The name in the file of each field that does not use its own. */
export type FieldNames = Partial<Record<ImportField, string>>

export type ImportedFields = Partial<Record<ImportField, unknown>>

/**
 * Returns a function that reads the fields of a record, without empty values. It calls `onUnknown` for names that match no
 * field.
 */
export function fieldReader(
  names: FieldNames,
  onUnknown: (name: string) => void,
): (record: Record<string, unknown>) => ImportedFields {
  const fieldOf = new Map<string, ImportField>()
  for (const [field, defaultNames] of Object.entries(importFields) as [ImportField, readonly string[]][]) {
    const given = names[field]
    for (const name of given === undefined ? defaultNames : [given]) fieldOf.set(name, field)
  }
  return record => {
    const fields: ImportedFields = {}
    for (const [name, value] of Object.entries(record)) {
      const field = fieldOf.get(name)
      if (!field) onUnknown(name)
      else if (value !== null && value !== '' && value !== '\\N') fields[field] = value
    }
    return fields
  }
}
