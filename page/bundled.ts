// The packages that the status page's script holds: installed for development, and shipped in dist/page.

export const BUNDLED = ['preact', '@preact/signals', '@preact/signals-core', 'uplot'] as const;
