import { Anchor, type MantineColorScheme, NativeSelect, useMantineColorScheme } from '@mantine/core'
import { useIsAlive } from '../hydration.ts'
import { languages, useLanguage, useText } from '../language.tsx'
import { settings } from '../page-settings.ts'
import { OutsideLink } from './outside-link.tsx'

/** Language and appearance, for this device only, and links to the operator's own pages. */
export function Preferences() {
  const { tag, text, choose } = useLanguage()
  const { theme, language, sandbox } = text.common
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  // What this device has chosen is unknown to the server.
  if (!useIsAlive()) return <footer className="preferences" />
  return (
    <footer className="preferences">
      {languages.length > 1 && (
        <NativeSelect
          aria-label={language}
          size="xs"
          variant="unstyled"
          value={tag}
          onChange={event => choose(event.currentTarget.value)}
          data={languages.map(each => ({ value: each.tag, label: each.name }))}
        />
      )}
      <NativeSelect
        aria-label={theme.label}
        size="xs"
        variant="unstyled"
        value={colorScheme}
        onChange={event => setColorScheme(event.currentTarget.value as MantineColorScheme)}
        data={(['auto', 'light', 'dark'] as const).map(value => ({ value, label: theme[value] }))}
      />
      <OwnPages />
      {settings.sandbox && (
        <Anchor href={`${settings.basePath}/graphql`} fz={12} c="dimmed" underline="always">
          {sandbox}
        </Anchor>
      )}
    </footer>
  )
}

function OwnPages() {
  const { links } = useText()
  return (['terms', 'privacy', 'support'] as const).map(page => {
    const address = settings.links[page]
    return (
      address && (
        <OutsideLink key={page} href={address} fz={12} c="dimmed">
          {links[page]}
        </OutsideLink>
      )
    )
  })
}
