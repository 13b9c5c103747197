import { Button } from '@mantine/core'
import type { FormEvent, ReactNode } from 'react'

type RowActionProps = {
  form: { onSubmit: (event: FormEvent<HTMLFormElement>) => void; busy: boolean }
  /** What the form reads about the row. */
  values: Readonly<Record<string, string>>
  /** The label for screen readers, which also names the row. */
  label: string
  className?: string
  children: ReactNode
}

/** A button in a row of a list that submits a form about the row. */
export function RowAction({ form, values, label, className, children }: RowActionProps) {
  return (
    <form onSubmit={form.onSubmit} className={className}>
      {Object.entries(values).map(([name, value]) => (
        <input key={name} type="hidden" name={name} value={value} />
      ))}
      <Button type="submit" size="xs" variant="default" disabled={form.busy} aria-label={label}>
        {children}
      </Button>
    </form>
  )
}
