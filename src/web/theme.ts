import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core'
import { LUMINANCE_THRESHOLD, readableOn, shadesOf } from '../colors.ts'

const FONTS =
  'Inter, -apple-system, BlinkMacSystemFont, "Segoe UI", Roboto, "Noto Sans", "Apple SD Gothic Neo", "Noto Sans KR", "Noto Sans CJK KR", "Malgun Gothic", sans-serif'

const LIGHT_PAGE = '#ffffff'
const DARK_PAGE = '#242424'

/** The component library's theme in the color of the brand (#rrggbb). */
export function brandTheme(color: string) {
  return createTheme({
    primaryColor: 'brand',
    primaryShade: 6,
    colors: { brand: shadesOf(color) as unknown as MantineColorsTuple },
    autoContrast: true,
    luminanceThreshold: LUMINANCE_THRESHOLD,
    fontFamily: FONTS,
    headings: { fontFamily: FONTS, fontWeight: '650' },
    defaultRadius: 'md',
    cursorType: 'pointer',
    respectReducedMotion: true,
    focusRing: 'auto',
  })
}

/** Text colors with the contrast that WCAG 2.2 requires (1.4.3), which the library's own lack. */
export function brandVariables(color: string): CSSVariablesResolver {
  return () => ({
    variables: {},
    light: {
      '--mantine-color-dimmed': '#5c636b',
      '--mantine-color-placeholder': '#6b727a',
      '--mantine-color-error': '#c92a2a',
      '--mantine-color-anchor': readableOn(LIGHT_PAGE, color),
    },
    dark: {
      '--mantine-color-dimmed': '#a6a7ab',
      '--mantine-color-placeholder': '#909296',
      '--mantine-color-error': '#ff8787',
      '--mantine-color-anchor': readableOn(DARK_PAGE, color),
    },
  })
}
