import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core'

const FONTS =
  'Inter, -apple-system, BlinkMacSystemFont, "Segoe UI", Roboto, "Noto Sans", "Apple SD Gothic Neo", "Noto Sans KR", "Noto Sans CJK KR", "Malgun Gothic", sans-serif'

/** White text on what is darker than this, black on the rest, has a contrast of at least 4.5 to 1. */
const LUMINANCE_THRESHOLD = 0.18
const TEXT_CONTRAST = 4.5
const LIGHT_PAGE = '#ffffff'
const DARK_PAGE = '#242424'

/** The component library's theme in the colour of the brand (#rrggbb). */
export function brandTheme(color: string) {
  return createTheme({
    primaryColor: 'brand',
    primaryShade: 6,
    colors: { brand: shadesOf(color) },
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

/** Colours of text that reach the contrast that WCAG 2.2 asks for (1.4.3), which the library's do not. */
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

/** Ten shades from nearly white to nearly black, the colour itself the seventh. */
export function shadesOf(color: string): MantineColorsTuple {
  const lighter = [0.92, 0.84, 0.7, 0.54, 0.36, 0.18].map(part => mixed(color, LIGHT_PAGE, part))
  const darker = [0.14, 0.28, 0.42].map(part => mixed(color, '#000000', part))
  return [...lighter, color, ...darker] as unknown as MantineColorsTuple
}

/** The colour, or the shade nearest to it that can be read as text on `page`. */
export function readableOn(page: string, color: string): string {
  const end = luminance(page) > LUMINANCE_THRESHOLD ? '#000000' : '#ffffff'
  for (let part = 0; part < 1; part += 0.05) {
    const shade = mixed(color, end, part)
    if (contrast(shade, page) >= TEXT_CONTRAST + 0.2) return shade
  }
  return end
}

/** WCAG 2.2, relative luminance. */
function luminance(color: string): number {
  const [r = 0, g = 0, b = 0] = channels(color).map(channel => {
    const c = channel / 255
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

export function contrast(a: string, b: string): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y)
  return (light + 0.05) / (dark + 0.05)
}

function mixed(color: string, other: string, part: number): string {
  const others = channels(other)
  const mix = channels(color).map((channel, index) => channel * (1 - part) + (others[index] ?? 0) * part)
  return `#${mix.map(channel => Math.round(channel).toString(16).padStart(2, '0')).join('')}`
}

function channels(color: string): number[] {
  return [1, 3, 5].map(start => Number.parseInt(color.slice(start, start + 2), 16))
}
