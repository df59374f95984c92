/** Numbers as people read them. The pages are in English, so the numbers are too. */
const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const short = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 })
const dollars = new Intl.NumberFormat('en-US', {
  style: 'currency',
  currency: 'USD',
  minimumFractionDigits: 2,
  maximumFractionDigits: 6,
})
const micro = new Intl.NumberFormat('en-US', {
  style: 'currency',
  currency: 'USD',
  minimumFractionDigits: 6,
  maximumFractionDigits: 6,
})

export function count(value: number): string {
  return whole.format(value)
}

/** `12.3K`, for axes and limits. */
export function shortCount(value: number): string {
  return short.format(value)
}

/** To the micro-dollar, without zeros at its end beyond the cents. */
export function usd(value: number): string {
  return dollars.format(value)
}

/** Always six decimals: cents, and the rest that a column shows fainter. */
export function usdParts(value: number): [cents: string, rest: string] {
  const text = micro.format(value)
  return [text.slice(0, -4), text.slice(-4)]
}

/** `1 request`, `2 requests`. */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`
}

/** `640 ms`, `1.24 s`. */
export function milliseconds(value: number): string {
  return value < 1000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(2)} s`
}
