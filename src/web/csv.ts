/** Tells Excel that the file is in UTF-8. Without it, Excel shows Korean as garbage. */
const BYTE_ORDER_MARK = '\uFEFF'

/** What a spreadsheet takes for a formula: https://owasp.org/www-community/attacks/CSV_Injection */
const FORMULA = /^\s*[=+\-@＝＋－＠]|^[\t\r\n]/

/**
 * Rows as CSV (RFC 4180) that spreadsheets open as they are: in UTF-8, and with an apostrophe before every value
 * that they would run as a formula. Names and addresses come from strangers.
 */
export function toCsv(rows: readonly (readonly string[])[]): string {
  return BYTE_ORDER_MARK + rows.map(row => `${row.map(cell).join(',')}\r\n`).join('')
}

function cell(value: string): string {
  const harmless = FORMULA.test(value) ? `'${value}` : value
  return `"${harmless.replaceAll('"', '""')}"`
}

/** A time in UTC that spreadsheets read as one; empty for none. */
export function csvTime(iso: string | null): string {
  return iso === null ? '' : new Date(iso).toISOString().slice(0, 19).replace('T', ' ')
}
