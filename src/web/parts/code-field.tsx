import { TextInput, type TextInputProps } from '@mantine/core'
import { useText } from '../language.tsx'

/** An input for six digits, which phones and password managers fill in. */
export function CodeField(props: TextInputProps) {
  const { factors } = useText()
  return (
    <TextInput
      name="code"
      label={factors.code}
      autoComplete="one-time-code"
      inputMode="numeric"
      maxLength={20}
      spellCheck={false}
      required
      withAsterisk={false}
      size="md"
      {...props}
    />
  )
}
