/** What is deployed. */
import { app } from './app.ts'

export default app
