import { Document } from "yaml";
import { formatReference, type PinnedImage } from "../image/reference.ts";
import type { PUBLISHER_NAMES } from "./presets.ts";

/** What a policy for a repository would say, before a person has looked at it. */
export interface PolicyDraft {
  readonly enforce: "ratchet" | "strict";
  readonly builds: readonly DraftBuild[];
  readonly builders: readonly DraftBuilder[];
  readonly publishers: readonly DraftPublisher[];
  /** Images that no entry covers. They are named in a comment: a root needs a person's reason and a day, and nobody is trusted by default (RULES R27). */
  readonly roots: readonly PinnedImage[];
}

/** An entry of `builds`. */
export interface DraftBuild {
  /** registry/repository */
  readonly image: string;
  /** Below the context. */
  readonly dockerfile: string;
  /** The repository's root if undefined. */
  readonly context: string | undefined;
  readonly platforms: readonly string[] | undefined;
  /** Patterns of git tags. */
  readonly tags: readonly string[];
}

/** An entry of `trust.builders`: a repository that is built by a called workflow. */
export interface DraftBuilder {
  readonly images: readonly string[];
  /** OWNER/REPO */
  readonly repository: string;
  readonly repositoryId: number;
  readonly ownerId: number;
  /** With its ref, as policies name it. */
  readonly workflow: string;
}

/** An entry of `trust.publishers`: a preset, or the repositories of one owner. */
export type DraftPublisher =
  | (typeof PUBLISHER_NAMES)[number]
  | { readonly owner: string; readonly ownerId: number; readonly images: string };

/**
 * Writes the policy as a file. Names in it are strangers' (paths, git tags): the library quotes them, so that no name becomes a key, and
 * what can only be a comment is a reference that was parsed, which has no line breaks.
 */
export function writePolicy(draft: PolicyDraft): string {
  const { enforce, builds, builders, publishers, roots } = draft;
  const document = new Document(
    {
      version: 1,
      ...(enforce !== "strict" && { enforce }),
      builds: builds.map(({ image, dockerfile, context, platforms, tags }) => ({
        image,
        ...(context !== undefined && { context }),
        dockerfile,
        ...(platforms !== undefined && { platforms }),
        tags,
      })),
      trust: {
        builders: builders.map(({ images, repository, repositoryId, ownerId, workflow }) => ({
          images,
          github: { repository, "repository-id": repositoryId, "owner-id": ownerId, workflow },
          level: 3,
          builds: true,
        })),
        ...(publishers.length > 0 && { publishers: publishers.map(publisherOf) }),
      },
    },
    // No anchors: a person reads it.
    { aliasDuplicateObjects: false },
  );
  document.commentBefore = ` What a tag push builds, and whose word counts: docs/policy.md of trusted-builds has every key.`;
  if (roots.length > 0) document.comment = rootsComment(roots);
  return document.toString({ lineWidth: 0 });
}

function publisherOf(publisher: DraftPublisher): unknown {
  if (typeof publisher === "string") return publisher;
  const { owner, ownerId, images } = publisher;
  return { "github-actions": { owner, "owner-id": ownerId, images: [images] } };
}

/** Below `trust`, so that taking `# ` away from its lines makes an entry of each. */
function rootsComment(roots: readonly PinnedImage[]): string {
  return [
    " Nothing that is accepted here vouches for these images. Whoever has looked at one and trusts it as it is, at this digest alone,",
    " takes the # away from its lines, and says why and until when. Until then what is built on it is untrusted.",
    "   roots:",
    ...roots.flatMap((image) => [
      `     - image: ${formatReference(image)}`,
      "       reason: # say why",
      "       expires: # YYYY-MM-DD",
    ]),
  ].join("\n");
}
