/** What every answer says: how little the page may do, and that nobody may keep or embed it. */

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/**
 * @param ancestors Origins of pages that may show it in a frame; none by default.
 */
export function securityHeaders(
  ancestors: readonly string[] = [],
): Readonly<Record<string, string>> {
  const frames = ancestors.length === 0 ? "'none'" : ancestors.join(' ');
  return {
    'content-security-policy': `${CONTENT_SECURITY_POLICY}; frame-ancestors ${frames}`,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
  };
}
