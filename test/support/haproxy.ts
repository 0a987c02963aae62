// HAProxy's configuration for tests: one listener in front of one server.

/** `bind` and `server`: what stands behind these words of HAProxy. */
export function haproxyConfig(bind: string, server: string): string {
  return `
defaults
  mode tcp
  timeout connect 5s
  timeout client 1m
  timeout server 1m
listen faktory
  bind ${bind}
  server ${server}
`;
}
