import type { Digest } from "../image/digest.ts";
import { isDigest } from "../image/digest.ts";
import type { Platform } from "../image/platform.ts";
import { formatPlatform, samePlatform } from "../image/platform.ts";
import type { ImageReference } from "../image/reference.ts";
import { formatReference, imageName, parseReference, withDefaultTag } from "../image/reference.ts";
import type { Dependency } from "./provenance.ts";
import type { ImagePurl } from "./purl.ts";
import { PurlError, parseDockerPurl } from "./purl.ts";
import type { BuildRequest } from "./request.ts";
import type { LlbImage } from "./source-identifier.ts";

/**
 * The images that BuildKit's clients run to look at a result: they see everything and add nothing to it. The names say who
 * may be judged as a tool, so nothing belongs here that a build could use as a base by mistake.
 */
export const SCANNERS: ReadonlySet<string> = new Set(["docker.io/docker/buildkit-syft-scanner"]);

/** What an image was to the build (RULES R19). */
export type ParentRole = "base" | "input" | "frontend" | "tool";

/** An image that provenance says went into the result, in one role; another role of it is another claim. */
export interface ParentClaim {
  /** Canonical, with the tag if one was recorded, and without digest. Of an `oci-layout` it names no registry. */
  readonly reference: ImageReference;
  /** What was resolved: of an image for several platforms the index. */
  readonly digest: Digest;
  readonly platform?: Platform;
  readonly role: ParentRole;
  /** Whether the request itself named the digest; false where that can't be told. */
  readonly pinned: boolean;
  readonly recordedIn: readonly ("list" | "llb" | "request")[];
  /** `oci-layout` is content of a layout on the builder's machine, an image or a blob; `blob` one blob of a repository. */
  readonly kind: ImagePurl["kind"];
}

/** Something that went in and can't be told what: a fault, never skipped (RULES R16). */
export interface Unresolved {
  readonly uri: string;
  readonly why: string;
}

/** One name, and several images found under it. */
export interface Disagreement {
  readonly reference: string;
  readonly digests: readonly Digest[];
}

/** An image of the dependency list. */
export interface ListedImage {
  readonly kind: ImagePurl["kind"];
  readonly reference: ImageReference;
  readonly digest: Digest;
  readonly platform?: Platform;
  readonly pinned: boolean;
}

/** An image of the LLB, with how it was used. */
export interface UsedImage {
  readonly image: LlbImage;
  readonly platform?: Platform;
  readonly roles: readonly ("base" | "input")[];
}

/** An image that a frontend ran from; its digest only if the request named it. */
interface FrontendImage {
  readonly reference: ImageReference;
  readonly digest: Digest | undefined;
}

/** What the three records together say. */
export interface Parents {
  readonly claims: readonly ParentClaim[];
  readonly unresolved: readonly Unresolved[];
  readonly disagreements: readonly Disagreement[];
}

/**
 * An entry of the dependency list that is a package URL.
 *
 * @returns what is wrong with it where the image can't be told: no digest that we compute, or two that disagree.
 */
export function listedImage({ uri, digest }: Dependency): ListedImage | Unresolved {
  let purl: ImagePurl;
  try {
    purl = parseDockerPurl(uri);
  } catch (error) {
    if (!(error instanceof PurlError)) throw error;
    return { uri, why: error.message };
  }
  const { digest: requested, ...reference } = purl.reference;
  const found = digestIn(digest, requested);
  if (typeof found !== "string") return { uri, why: found.why };
  return {
    kind: purl.kind,
    reference,
    digest: found,
    ...(purl.platform !== undefined && { platform: purl.platform }),
    pinned: requested !== undefined,
  };
}

/**
 * The one digest of an entry by which it can be fetched.
 *
 * @param requested - What its address names beside its digests; then that one.
 * @returns what is wrong where there is none that we compute, or where they disagree.
 */
export function digestIn(
  digests: Readonly<Record<string, string>>,
  requested: Digest | undefined,
): Digest | { readonly why: string } {
  const found = Object.entries(digests).map(([algorithm, hex]) => `${algorithm}:${hex}`);
  const wellFormed = found.filter(isDigest);
  const malformed = found.find((text) => /^sha(?:256|384|512):/i.test(text) && !isDigest(text));
  if (malformed !== undefined) return { why: `its digest ${malformed.slice(0, 150)} is malformed` };
  const [first] = wellFormed;
  if (first === undefined) return { why: "it has no sha256, sha384 or sha512 digest" };
  if (requested !== undefined && !wellFormed.includes(requested)) {
    return { why: "the digest in its URL and its digest disagree" };
  }
  return requested ?? wellFormed.find((text) => text.startsWith("sha256:")) ?? first;
}

/**
 * Every image that any of the three records names, with its roles (RULES R16, R19). One that only one of them names is a parent
 * all the same: BuildKit's list drops a pinned reference beside a tag of the same name.
 *
 * @param used - From the LLB; undefined without LLB. Then nothing in the list has a proven role.
 */
export function parentsOf(
  listed: readonly ListedImage[],
  used: readonly UsedImage[] | undefined,
  request: BuildRequest,
): Parents {
  const claims = new Map<string, ParentClaim>();
  const frontends = frontendsOf(request);
  const unresolved = [...frontends.unresolved];
  // By digest, for lists and LLBs of any length: each is then held against few others.
  const listedByDigest = Map.groupBy(listed, ({ digest }) => digest);
  const usedByDigest = Map.groupBy(used ?? [], ({ image }) => image.digest);

  for (const { image, platform, roles } of used ?? []) {
    const entries = (listedByDigest.get(image.digest) ?? []).filter(
      (entry) => isSame(entry, image) && platformsMeet(entry.platform, platform),
    );
    // With a tag the digest could be the request's or what the tag was resolved to; without one it was the request's.
    const pinned = entries.length > 0 ? entries.every((entry) => entry.pinned) : image.reference.tag === undefined;
    const where = platform ?? entries[0]?.platform;
    for (const role of roles) {
      const recordedIn = entries.length > 0 ? (["list", "llb"] as const) : (["llb"] as const);
      add(claims, { ...base(image), ...(where && { platform: where }), role, pinned, recordedIn });
    }
  }

  const running = new Set<ListedImage>();
  for (const frontend of frontends.images) {
    const entries = listed.filter((entry) => entry.kind === "image" && isFrontend(entry, frontend));
    for (const entry of entries) {
      running.add(entry);
      const pinned = frontend.digest !== undefined;
      add(claims, { ...claimOf(entry, "frontend"), pinned, recordedIn: ["list", "request"] });
    }
    if (entries.length > 0) continue;
    const { digest, reference } = frontend;
    if (digest === undefined) {
      unresolved.push({
        uri: formatReference(reference),
        why: "the request names it as frontend, and no dependency has its digest",
      });
    } else {
      add(claims, { kind: "image", reference, digest, role: "frontend", pinned: true, recordedIn: ["request"] });
    }
  }

  for (const entry of listed) {
    const uses = usedByDigest.get(entry.digest) ?? [];
    if (uses.some(({ image, platform }) => isSame(entry, image) && platformsMeet(entry.platform, platform))) continue;
    const isTool = entry.kind === "image" && SCANNERS.has(imageName(entry.reference));
    if (isTool) add(claims, claimOf(entry, "tool"));
    // Without LLB a frontend or scanner could be a base as well. BuildKit gives bases a platform, and those two none.
    const mayBeMore = used === undefined && entry.platform !== undefined;
    if ((!isTool && !running.has(entry)) || mayBeMore) add(claims, claimOf(entry, "input"));
  }
  return { claims: [...claims.values()], unresolved, disagreements: disagreementsOf(listed, used ?? []) };
}

/** The images that the request and the requests inside it name as frontends, and frontends that nobody knows. */
function frontendsOf(request: BuildRequest): { images: readonly FrontendImage[]; unresolved: readonly Unresolved[] } {
  const images = new Map<string, FrontendImage>();
  const unresolved: Unresolved[] = [];
  for (const { frontend, args } of [request, ...request.nested]) {
    // `cmdline` is the text behind `# syntax=`: the reference, and perhaps flags.
    const names = [args.source, args.cmdline?.trim().split(/\s/)[0]].filter(
      (name) => name !== undefined && name !== "",
    );
    if (frontend === "gateway.v0" && names.length === 0) {
      unresolved.push({ uri: frontend, why: "the request names no image for its frontend" });
    } else if (frontend !== undefined && frontend !== "gateway.v0" && frontend !== "dockerfile.v0") {
      unresolved.push({ uri: frontend.slice(0, 200), why: "this frontend is not known" });
    }
    for (const name of names) {
      try {
        const { digest, ...reference } = withDefaultTag(parseReference(name ?? ""));
        images.set(formatReference({ ...reference, ...(digest && { digest }) }), { reference, digest });
      } catch {
        unresolved.push({
          uri: (name ?? "").slice(0, 200),
          why: "the request names it as frontend, and it is no image reference",
        });
      }
    }
  }
  return { images: [...images.values()], unresolved };
}

function isFrontend(entry: ListedImage, { reference, digest }: FrontendImage): boolean {
  if (imageName(entry.reference) !== imageName(reference)) return false;
  return digest === undefined ? entry.reference.tag === reference.tag : entry.digest === digest;
}

function isSame(entry: ListedImage, image: LlbImage): boolean {
  return (
    entry.kind === image.kind &&
    entry.digest === image.digest &&
    formatReference(entry.reference) === formatReference(image.reference)
  );
}

function platformsMeet(one: Platform | undefined, other: Platform | undefined): boolean {
  return one === undefined || other === undefined || samePlatform(one, other);
}

function base({ kind, reference, digest }: LlbImage): Pick<ParentClaim, "kind" | "reference" | "digest"> {
  return { kind, reference, digest };
}

function claimOf({ kind, reference, digest, platform, pinned }: ListedImage, role: ParentRole): ParentClaim {
  return { kind, reference, digest, ...(platform && { platform }), role, pinned, recordedIn: ["list"] };
}

/** The same claim from two places is one: pinned only if it is everywhere, recorded in both. */
function add(claims: Map<string, ParentClaim>, claim: ParentClaim): void {
  const platform = claim.platform === undefined ? "" : formatPlatform(claim.platform);
  const key = JSON.stringify([claim.role, claim.kind, formatReference(claim.reference), claim.digest, platform]);
  const before = claims.get(key);
  if (before === undefined) claims.set(key, claim);
  else {
    claims.set(key, {
      ...before,
      pinned: before.pinned && claim.pinned,
      recordedIn: [...new Set([...before.recordedIn, ...claim.recordedIn])],
    });
  }
}

/** A tag that stood for two images in one build: one of the records is wrong, or the tag moved while it ran (RULES R16). */
function disagreementsOf(listed: readonly ListedImage[], used: readonly UsedImage[]): readonly Disagreement[] {
  const found = new Map<string, Set<Digest>>();
  for (const { kind, reference, digest } of [...listed, ...used.map(({ image }) => image)]) {
    if (kind === "blob" || reference.tag === undefined) continue;
    const name = `${kind === "image" ? "" : `${kind}://`}${formatReference(reference)}`;
    found.set(name, (found.get(name) ?? new Set()).add(digest));
  }
  return [...found].flatMap(([reference, digests]) =>
    digests.size > 1 ? [{ reference, digests: [...digests].sort() }] : [],
  );
}
