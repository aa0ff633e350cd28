/**
 * Paths of actors: ids from the root down, with slashes between them. A slash (or a percent sign) in an
 * id is written `%2F` (`%25`).
 */

/** The path of the parent, and the actor's own id as it is. */
export function pathParts(path: string): {
  readonly parent: string | undefined;
  readonly id: string;
} {
  const slash = path.lastIndexOf('/');
  const id = path
    .slice(slash + 1)
    .replaceAll('%2F', '/')
    .replaceAll('%25', '%');
  return { parent: slash === -1 ? undefined : path.slice(0, slash), id };
}
