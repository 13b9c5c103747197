import { Anchor, Stack, Text } from '@mantine/core'
import { type ReactNode, useEffect } from 'react'
import { Link } from 'wouter'
import { awaken } from '../awakening.ts'
import { useText } from '../language.tsx'
import { settings } from '../page-settings.ts'
import { PageTitle } from './page-title.tsx'
import { Preferences } from './preferences.tsx'

export type CardPageProps = {
  title: string
  /** The name of the browser's tab; the title by default. */
  tab?: string
  lead?: ReactNode
  icon?: ReactNode
  children?: ReactNode
  /** Below the card. */
  below?: ReactNode
}

/** A page with a single task on a card. */
export function CardPage({ title, tab, lead, icon, children, below }: CardPageProps) {
  // After the forms on the page, whose handlers are then in place.
  useEffect(awaken, [])
  return (
    <div className="card-page">
      <header>
        <Brand />
      </header>
      <main>
        <div className="card">
          {icon && <div className="card-icon">{icon}</div>}
          <PageTitle tab={tab}>{title}</PageTitle>
          {lead && (
            <Text c="dimmed" mt={8} fz={15} lh={1.55}>
              {lead}
            </Text>
          )}
          {children && (
            <Stack gap={18} mt={26}>
              {children}
            </Stack>
          )}
        </div>
        {below && <div className="below">{below}</div>}
      </main>
      <Preferences />
    </div>
  )
}

export function Brand() {
  return (
    <Link href="/" className="brand">
      <img src={settings.logoUrl ?? `${settings.basePath}/icon.svg`} alt="" />
      <span>{settings.appName}</span>
    </Link>
  )
}

/** A question and the page that answers it. */
export function Aside({ question, href, children }: { question: string; href: string; children: string }) {
  return (
    <Text fz={14} c="dimmed">
      {question}{' '}
      <Anchor component={Link} href={href} fz={14} fw={550} underline="always">
        {children}
      </Anchor>
    </Text>
  )
}

/** The page for an unknown address. */
export function Missing() {
  const { missing, common } = useText()
  return (
    <CardPage title={missing.title} lead={missing.lead}>
      <Anchor component={Link} href="/" underline="always">
        {common.toAccount}
      </Anchor>
    </CardPage>
  )
}
