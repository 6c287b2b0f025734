import { z } from "zod";
import type { ImageConfig } from "./config.ts";
import { type Digest, isDigest } from "./digest.ts";
import { JsonError, readDocument } from "./json.ts";
import type { Manifest } from "./manifest.ts";
import { formatReference, ImageReferenceError, parseReference } from "./reference.ts";

/** The longest buildpacks label that is read, in UTF-16 units; real ones have some tens of thousands. */
const MAX_LABEL_LENGTH = 1024 * 1024;

const BASE_NAME = "org.opencontainers.image.base.name";
const BASE_DIGEST = "org.opencontainers.image.base.digest";
const BUILDPACKS = "io.buildpacks.lifecycle.metadata";

/**
 * What an image itself says it was built on. Unsigned, or signed by nobody who built, and inherited by whatever is built on it: for
 * people to look at, never evidence. Everything in it is well formed, and free of control characters.
 */
export interface BaseHint {
  /** Where it stands. */
  readonly from:
    | "manifest annotations"
    /** Labels are copied from base to child: it may be the base's own. */
    | "config labels"
    | "buildpacks label";
  /** In canonical form, with the tag where one is written, without digest. */
  readonly name?: string;
  readonly digest?: Digest;
}

// Older lifecycles have a name below `stack`, newer ones beside a reference, which is by digest where the run image was in a registry.
const buildpacksSchema = z.object({
  runImage: z.object({ reference: z.string().nullish(), image: z.string().nullish() }).nullish(),
  stack: z.object({ runImage: z.object({ image: z.string().nullish() }).nullish() }).nullish(),
});

/**
 * The hints of buildah, podman, ko and others that write OCI's annotations, and of buildpacks. What can't be read is no hint.
 *
 * @see OCI image-spec annotations.md, "Pre-Defined Annotation Keys"; buildpacks spec platform.md, `io.buildpacks.lifecycle.metadata`
 */
export function baseHintsOf(manifest: Manifest, config: ImageConfig): readonly BaseHint[] {
  return [
    ...annotated("manifest annotations", manifest.annotations),
    ...annotated("config labels", config.labels),
    ...buildpacks(config.labels[BUILDPACKS]),
  ];
}

function annotated(from: BaseHint["from"], values: Readonly<Record<string, string>>): readonly BaseHint[] {
  return hint(from, values[BASE_NAME], values[BASE_DIGEST]);
}

function buildpacks(label: string | undefined): readonly BaseHint[] {
  if (label === undefined || label.length > MAX_LABEL_LENGTH) return [];
  let metadata: z.infer<typeof buildpacksSchema>;
  try {
    metadata = readDocument(buildpacksSchema, new TextEncoder().encode(label));
  } catch (error) {
    if (error instanceof JsonError) return [];
    throw error;
  }
  const { runImage, stack } = metadata;
  const named = hint("buildpacks label", runImage?.image ?? stack?.runImage?.image, undefined);
  // In a registry the reference is a name with digest; in a daemon's store it is an image's id, which is nobody else's.
  const referred = hint("buildpacks label", runImage?.reference, undefined);
  const [digest] = referred.flatMap((each) => each.digest ?? []);
  return digest === undefined ? named : [{ ...named[0], ...referred[0], from: "buildpacks label" }];
}

/** @returns one hint, or none where neither name nor digest is well formed. */
function hint(
  from: BaseHint["from"],
  name: string | null | undefined,
  digest: string | null | undefined,
): readonly BaseHint[] {
  const { digest: within, ...reference } = referenceIn(name) ?? {};
  // A name with one digest beside another digest contradicts itself; neither is shown for the other.
  const said = [within, digest].filter((each) => each !== undefined && each !== null && isDigest(each));
  const [found] = new Set(said).size === 1 ? said : [];
  const written = "registry" in reference ? formatReference(reference) : undefined;
  if (written === undefined && found === undefined) return [];
  return [{ from, ...(written !== undefined && { name: written }), ...(found && { digest: found as Digest }) }];
}

function referenceIn(text: string | null | undefined) {
  if (!text) return undefined;
  try {
    return parseReference(text);
  } catch (error) {
    if (error instanceof ImageReferenceError) return undefined;
    throw error;
  }
}
