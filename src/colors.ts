/** White text on colors darker than this, and black text on all others, has a contrast of at least 4.5 to 1. */
export const LUMINANCE_THRESHOLD = 0.18
/** WCAG 2.2, 1.4.3. */
export const TEXT_CONTRAST = 4.5

/** Ten shades from nearly white to nearly black. The color itself is the seventh. */
export function shadesOf(color: string): string[] {
  const lighter = [0.92, 0.84, 0.7, 0.54, 0.36, 0.18].map(part => mixed(color, '#ffffff', part))
  const darker = [0.14, 0.28, 0.42].map(part => mixed(color, '#000000', part))
  return [...lighter, color, ...darker]
}

/** The color, or the nearest shade that is readable as text on `page`. */
export function readableOn(page: string, color: string): string {
  const end = textOn(page)
  for (let part = 0; part < 1; part += 0.05) {
    const shade = mixed(color, end, part)
    if (contrast(shade, page) >= TEXT_CONTRAST + 0.2) return shade
  }
  return end
}

/** Black or white, whichever is readable on the color. */
export function textOn(color: string): '#000000' | '#ffffff' {
  return luminance(color) > LUMINANCE_THRESHOLD ? '#000000' : '#ffffff'
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
