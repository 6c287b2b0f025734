import { z } from "zod";
import type { AnswerHead, Told } from "../answer/answer.ts";
import { formatReference, imageName } from "../image/reference.ts";
import type { VerdictDocument } from "../report/json.ts";
import type { Links } from "./links.ts";

const outcome = z.enum(["trusted", "untrusted", "undetermined"]);
const time = z.iso.datetime();

/** A policy, by what it is and where its bytes are. */
export const policySchema = z
  .strictObject({
    name: z.string(),
    digest: z.string(),
    url: z.string().meta({ description: "its bytes" }),
  })
  .meta({ description: "The policy that was judged by: the operator's published one." });

/** Where more of an answer is. */
export const linksSchema = z.strictObject({
  self: z.string(),
  page: z.string(),
  badge: z.string(),
  verdict: z.string().nullable(),
  vsa: z.string().nullable(),
  evidence: z.string().nullable(),
  ancestry: z.string().nullable(),
  descendants: z.string().nullable(),
  history: z.string(),
});

/** One verdict in a line. */
export const headSchema = z
  .strictObject({
    reference: z.string().meta({ description: "with the digest; and with the tag, where it was judged under one" }),
    name: z.string(),
    tag: z.string().nullable(),
    digest: z.string(),
    state: z
      .enum(["judged", "pending"])
      .meta({ description: "pending: it is being judged anew, and undetermined until then" }),
    verdict: outcome,
    level: z.int().min(0).max(3).meta({ description: "lowest SLSA build level over the ancestry" }),
    asOf: time.meta({ description: "when it was judged" }),
    validUntil: time.nullable().meta({ description: "when something that it rests on lapses" }),
    policy: policySchema,
    result: z.string().meta({ description: "the digest of what the verdict says" }),
    source: z
      .strictObject({ repository: z.string(), commit: z.string().nullable(), ref: z.string().nullable() })
      .nullable()
      .meta({ description: "in the word of a statement that counts" }),
    links: linksSchema,
  })
  .meta({ description: "A verdict in a line." });

/** In the form of {@link headSchema}. */
export type HeadDocument = z.output<typeof headSchema>;

const step = z.strictObject({
  reference: z.string(),
  role: z.string().nullable().meta({ description: "what it was to the one before" }),
});

/** Why an image isn't trusted, or what could not be looked at. */
export const faultSchema = z
  .strictObject({
    code: z.string().meta({ description: "stable; for programs" }),
    reason: z.string().meta({ description: "for people" }),
    mend: z.string().meta({ description: "what would mend it; for people" }),
    path: z.array(step).meta({ description: "from the image to the fault" }),
  })
  .meta({ description: "Why an image isn't trusted, or what could not be looked at." });

const ownerSchema = z.strictObject({
  repository: z.string(),
  repositoryId: z.string(),
  ownerId: z.string(),
  verdict: outcome.meta({ description: "by this owner's own policy" }),
  asOf: time,
  conclusion: z
    .enum(["success", "failure", "action_required"])
    .nullable()
    .meta({ description: "of its check run, where its policy lets more pass than the verdict" }),
  policy: z.strictObject({ uri: z.string(), commit: z.string() }),
});

const formerSchema = z
  .strictObject({
    digest: z.string(),
    outcome,
    level: z.int().min(0).max(3),
    asOf: time,
    policy: policySchema,
    result: z.string(),
  })
  .meta({ description: "of what is pending: what was last known. It is no verdict, and says nothing of now" });

/** An answer about one image. */
export const answerSchema = z
  .strictObject({
    reference: z.string().meta({ description: "as it was judged; of what is pending, as it was asked for" }),
    name: z.string(),
    tag: z.string().nullable(),
    digest: z.string().nullable(),
    state: z.enum(["judged", "pending"]).meta({ description: "pending: not known now, and always undetermined" }),
    verdict: outcome.meta({ description: "by the operator's published policy" }),
    reason: z.string().nullable().meta({ description: "of what is pending: why; for people" }),
    level: z.int().min(0).max(3),
    asOf: time.nullable().meta({ description: "when it was judged" }),
    validUntil: time.nullable(),
    resolvedAt: time.nullable().meta({ description: "when the tag was last seen to name this digest" }),
    policy: policySchema.nullable(),
    result: z.string().nullable(),
    source: headSchema.shape.source,
    owners: z.array(ownerSchema).meta({
      description:
        "a lesser mark: what repositories whose numeric id an accepted statement carries say by their own policy. Rivals are all told; none wins",
    }),
    faults: z.array(faultSchema),
    unreachable: z.array(faultSchema).meta({ description: "what could not be looked at" }),
    former: formerSchema.nullable(),
    links: linksSchema,
  })
  .meta({ description: "What is known of an image, by the operator's published policy." });

/** In the form of {@link answerSchema}. */
export type AnswerDocument = z.output<typeof answerSchema>;

/** What an owner's own policy says of an image: never more than a lesser mark (RULES R1, R3). */
export type OwnerMark = AnswerDocument["owners"][number];

/** @param isCurrent - Whether it may be told as its verdict; if not, it is undetermined, whatever it was (RULES R14). */
export function headDocument(head: AnswerHead, isCurrent: boolean, links: Links): HeadDocument {
  const { image, policy, source } = head;
  return {
    reference: formatReference(image),
    name: imageName(image),
    tag: image.tag ?? null,
    digest: image.digest,
    state: isCurrent ? "judged" : "pending",
    verdict: isCurrent ? head.outcome : "undetermined",
    level: isCurrent ? head.level : 0,
    asOf: head.asOf.toISOString(),
    validUntil: head.validUntil?.toISOString() ?? null,
    policy: { ...policy, url: links.policy(policy.digest) },
    result: head.result,
    source:
      source === undefined
        ? null
        : { repository: source.repository, commit: source.commit ?? null, ref: source.ref ?? null },
    links: links.of(image),
  };
}

/** What is told where the verdict is known. */
export function judgedDocument(
  { head, resolvedAt }: Extract<Told, { kind: "answer" }>,
  verdict: VerdictDocument,
  owners: readonly OwnerMark[],
  links: Links,
): AnswerDocument {
  return {
    ...headDocument(head, true, links),
    reason: null,
    resolvedAt: resolvedAt?.toISOString() ?? null,
    owners: [...owners],
    faults: faultsOf(verdict, verdict.faults),
    unreachable: faultsOf(verdict, verdict.unreachable),
    former: null,
  };
}

/** What is told where it isn't known now: undetermined, whatever was known before. */
export function pendingDocument(
  { reference, reason, former }: Extract<Told, { kind: "pending" }>,
  links: Links,
): AnswerDocument {
  return {
    reference: formatReference(reference),
    name: imageName(reference),
    tag: reference.tag ?? null,
    digest: reference.digest ?? null,
    state: "pending",
    verdict: "undetermined",
    reason,
    level: 0,
    asOf: null,
    validUntil: null,
    resolvedAt: null,
    policy: null,
    result: null,
    source: null,
    owners: [],
    faults: [],
    unreachable: [],
    former:
      former === undefined
        ? null
        : {
            digest: former.image.digest,
            outcome: former.outcome,
            level: former.level,
            asOf: former.asOf.toISOString(),
            policy: { ...former.policy, url: links.policy(former.policy.digest) },
            result: former.result,
          },
    links: links.of(reference),
  };
}

/** The faults with the images on their way by name. */
export function faultsOf({ nodes }: VerdictDocument, faults: VerdictDocument["faults"]): AnswerDocument["faults"] {
  const references = new Map(nodes.map(({ id, reference }) => [id, reference]));
  return faults.map(({ code, reason, mend, path }) => ({
    code,
    reason,
    mend,
    path: path.map(({ node, role }) => ({ reference: references.get(node) ?? node, role })),
  }));
}
