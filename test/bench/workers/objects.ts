/** `wrangler.toml` binds these classes, so every Worker that is built with it must export them. Nobody calls them here. */

class Unused {
  fetch(): Response {
    return new Response(null, { status: 501 })
  }
}

export class KeyAccount extends Unused {}
export class Directory extends Unused {}
