import { Checkbox, Stack } from '@mantine/core'
import { useText } from '../language.tsx'

type PermissionChoicesProps = {
  choices: readonly string[]
  description?: string
  value: string[]
  onChange: (permissions: string[]) => void
}

/** Checkboxes for permissions, with what each allows. */
export function PermissionChoices({ choices, description, value, onChange }: PermissionChoicesProps) {
  const { roles: says } = useText()
  return (
    <Checkbox.Group label={says.permissions} description={description} value={value} onChange={onChange}>
      <Stack gap={10} mt={8}>
        {choices.map(name => (
          <Checkbox
            key={name}
            value={name}
            label={name}
            description={(says.may as Partial<Record<string, string>>)[name]}
          />
        ))}
      </Stack>
    </Checkbox.Group>
  )
}
