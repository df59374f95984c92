/** `wrangler.toml` binds these classes, so every Worker that is built with it must export them. Nobody calls them here. */

export class KeyAccount {}
export class Directory {}
