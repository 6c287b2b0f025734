import type { Dependency } from "./provenance.ts";

/**
 * An image that a build type names in one text, `name:tag@digest`.
 *
 * @param name - What the build type calls it.
 * @returns without digest what names none: then it is an image that can't be told.
 */
export function pinnedDependency(text: string, name: string): Dependency {
  const [, uri, algorithm, hex] = /^([^@]*)@([a-z0-9]+):([0-9a-f]+)$/.exec(text) ?? [];
  return uri === undefined || algorithm === undefined || hex === undefined
    ? { uri: text, digest: {}, name }
    : { uri, digest: { [algorithm]: hex }, name };
}
