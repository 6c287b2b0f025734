import { formatReference, ImageReferenceError, parseReference, withDefaultTag } from "../reference.ts";
import { RemoteError, readRemote } from "./remote.ts";

/** What stands in for a stage, an image or a frontend by `--build-context`. */
export type NamedContext =
  | { readonly kind: "image"; readonly value: string; readonly reference: string }
  | { readonly kind: "scratch"; readonly value: string }
  | { readonly kind: "unknown"; readonly value: string; readonly why: string }
  | {
      readonly kind: "http" | "git" | "oci-layout" | "local-context";
      readonly value: string;
      readonly isPinned: boolean;
    };

/** A name under which BuildKit looks for a named context. */
export type NamedContexts = (name: string) => NamedContext | undefined;

/**
 * Reads `--build-context` as buildx and BuildKit do together: names are references, so that `alpine`, `docker.io/library/alpine` and
 * `alpine:latest` are one.
 *
 * @throws {RangeError} if a name is no reference: buildx wouldn't begin.
 */
export function readContexts(contexts: Readonly<Record<string, string>>): NamedContexts {
  const byName = new Map<string, NamedContext>();
  for (const [name, value] of Object.entries(contexts)) {
    const key = keyOf(name);
    if (key === undefined) throw new RangeError(`a build context can't be called ${JSON.stringify(name.slice(0, 80))}`);
    byName.set(key, readContext(value));
  }
  return (name) => (byName.size === 0 ? undefined : byName.get(keyOf(name) ?? ""));
}

function keyOf(name: string): string | undefined {
  try {
    const reference = formatReference(withDefaultTag(parseReference(name)));
    return reference.endsWith(":latest") ? reference.slice(0, -":latest".length) : reference;
  } catch (error) {
    if (error instanceof ImageReferenceError) return undefined;
    throw error;
  }
}

function readContext(value: string): NamedContext {
  if (value.startsWith("docker-image://")) {
    const reference = value.slice("docker-image://".length);
    return reference === "scratch" ? { kind: "scratch", value } : { kind: "image", value, reference };
  }
  if (value.startsWith("target:")) return { kind: "unknown", value, why: "it is what another target builds" };
  if (value.startsWith("oci-layout://")) {
    return { kind: "oci-layout", value, isPinned: /@sha(?:256|384|512):[0-9a-f]+$/.test(value) };
  }
  try {
    const remote = readRemote(value);
    return remote === undefined ? { kind: "local-context", value, isPinned: false } : { ...remote, value };
  } catch (error) {
    if (error instanceof RemoteError) return { kind: "unknown", value, why: error.message };
    throw error;
  }
}
