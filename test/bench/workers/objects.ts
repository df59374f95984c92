/** `wrangler.toml` binds these classes, so every Worker that is built with it must export them. Nobody calls them here. */
import { DurableObject } from 'cloudflare:workers'

export class KeyAccount extends DurableObject {}
export class Directory extends DurableObject {}
