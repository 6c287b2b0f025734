import type { AnswerHead, Audience } from "../answer/answer.ts";
import { parseDigest } from "../image/digest.ts";
import { imageName, type PinnedImage, parseReference, pin } from "../image/reference.ts";
import type { AnswerRow } from "./answer-schema.ts";
import { toText } from "./json.ts";

/** What a head has; documents and facts are large, and nobody waits for them who asks only whether there is an answer. */
export const HEAD_COLUMNS = [
  "answers.id",
  "answers.policy_digest",
  "answers.policy_name",
  "answers.name",
  "answers.tag",
  "answers.digest",
  "answers.outcome",
  "answers.level",
  "answers.as_of",
  "answers.valid_until",
  "answers.result",
  "answers.is_public",
  "answers.readers",
  "answers.source_repository",
  "answers.source_commit",
  "answers.source_ref",
] as const;

/** A row of {@link HEAD_COLUMNS}. */
export type HeadRow = Pick<
  AnswerRow,
  Exclude<keyof AnswerRow, `search_${string}` | "is_newest" | "asked_at" | "document" | "facts" | "readers">
> & { readonly readers: readonly string[] };

/** The name and tag under which an answer is kept: a digest that was asked for alone has the tag "". */
export function placeOf(image: PinnedImage): { readonly name: string; readonly tag: string } {
  return { name: imageName(image), tag: image.tag ?? "" };
}

/** The head as its row has it. */
export function headOf(row: HeadRow): AnswerHead {
  const image = parseReference(row.tag === "" ? row.name : `${row.name}:${row.tag}`);
  return {
    id: row.id,
    image: pin(image, parseDigest(row.digest)),
    policy: { name: row.policy_name, digest: parseDigest(row.policy_digest) },
    outcome: row.outcome,
    level: row.level,
    asOf: row.as_of,
    validUntil: row.valid_until ?? undefined,
    result: parseDigest(row.result),
    audience: audienceOf(row),
    source:
      row.source_repository === null
        ? undefined
        : {
            repository: row.source_repository,
            commit: row.source_commit ?? undefined,
            ref: row.source_ref ?? undefined,
          },
  };
}

/** The columns of a head, those that it is found by among them. */
export function rowOfHead(head: AnswerHead) {
  const { id, policy, outcome, level, asOf, validUntil, result, audience, source } = head;
  const { name, tag } = placeOf(head.image);
  const repository = source === undefined ? undefined : toText(source.repository);
  const path = repository === undefined ? undefined : pathOf(repository);
  return {
    id,
    policy_digest: policy.digest,
    policy_name: toText(policy.name),
    name,
    tag,
    digest: head.image.digest,
    outcome,
    level,
    as_of: asOf,
    valid_until: validUntil ?? null,
    result,
    is_public: audience.kind === "everyone",
    readers: JSON.stringify(audience.kind === "everyone" ? [] : audience.repositoryIds),
    source_repository: repository ?? null,
    source_commit: source?.commit === undefined ? null : toText(source.commit),
    source_ref: source?.ref === undefined ? null : toText(source.ref),
    search_name: name.toLowerCase(),
    search_source: repository?.toLowerCase() ?? null,
    search_path: path ?? null,
    search_owner: path?.split("/")[0] ?? null,
  };
}

/** `acme/app` of `https://github.com/acme/app`, in lower case. */
function pathOf(repository: string): string | undefined {
  const path = /^https?:\/\/[^/]+\/(.+)$/.exec(repository.toLowerCase())?.[1];
  return path?.replace(/\/$/, "");
}

/** Whoever isn't everyone has to read something: an empty list of readers would let each of them in. */
function audienceOf({ is_public, readers }: HeadRow): Audience {
  return is_public ? { kind: "everyone" } : { kind: "readers", repositoryIds: readers };
}
