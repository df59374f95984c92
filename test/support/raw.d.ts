/** Vite imports a file as text with the suffix `?raw`. */
declare module '*?raw' {
  const text: string
  export default text
}
