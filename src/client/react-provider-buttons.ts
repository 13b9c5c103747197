'use client'

import { type CSSProperties, createElement, type ReactNode } from 'react'
import { type BrandLook, brandLooks } from './brand-looks.ts'
import { brandOf } from './brands.ts'
import type { Texts } from './react-texts.ts'
import type { AuthSettings } from './types.ts'

export type OfferedProvider = AuthSettings['providers'][number]

export type ProviderButtonsProps = {
  providers: readonly OfferedProvider[]
  texts: Texts
  busy: boolean
  /** Leaves for the provider's page. */
  go: (id: string) => void
}

/** A button for each provider, with the words, the logo and the colors that its brand prescribes. */
export function ProviderButtons({ providers, texts, busy, go }: ProviderButtonsProps): ReactNode {
  return createElement(
    'div',
    { className: 'authograph-providers' },
    createElement('p', { className: 'authograph-or' }, texts.or),
    providers.map(provider => {
      const { id, type } = provider
      const look = Object.hasOwn(brandLooks, type) ? brandLooks[type] : undefined
      return createElement(
        'button',
        {
          key: id,
          type: 'button',
          className: 'authograph-provider',
          'data-brand': type,
          style: look?.colors && variables(look.colors),
          'aria-disabled': busy,
          onClick: () => go(id),
        },
        look && logo(look),
        wordsOf(texts, provider),
      )
    }),
  )
}

/** The colors as variables, which have no effect without styles.css and do not override yours. */
function variables({ fill, ink, line }: NonNullable<BrandLook['colors']>): CSSProperties {
  return {
    '--authograph-brand-fill': fill,
    '--authograph-brand-ink': ink,
    '--authograph-brand-line': line,
  } as CSSProperties
}

function wordsOf(texts: Texts, provider: OfferedProvider): string {
  const brand = brandOf(provider)
  return brand ? texts.brands[brand] : texts.continueWith(provider.name)
}

/** Without a text of its own, because the name stands beside it. */
function logo({ viewBox, paths }: BrandLook): ReactNode {
  return createElement(
    'svg',
    { viewBox, width: 20, height: 20, 'aria-hidden': true, focusable: false },
    paths.map(([fill, d]) => createElement('path', { key: d, fill, d })),
  )
}
