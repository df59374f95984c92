/** A file as text, which Vite offers behind `?raw`. */
declare module '*?raw' {
  const text: string
  export default text
}
