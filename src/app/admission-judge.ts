import type { ImageFault, ImageJudge, ImageJudgement } from "../admission/judgement.ts";
import { type AnswerHead, standingOf } from "../answer/answer.ts";
import type { AnswerReader } from "../answer/ports.ts";
import type { Walk } from "../build/ports.ts";
import { formatReference, type ImageReference, type PinnedImage } from "../image/reference.ts";
import { type DocumentFault, faultGroups, wayTo } from "../report/faults.ts";
import { type VerdictDocument, verdictDocument, verdictSchema } from "../report/json.ts";
import { walkAncestry } from "../trust/ancestry.ts";
import type { Policy } from "../trust/policy.ts";
import { judge } from "../trust/verdict.ts";

/** How many of an image's faults are kept: judgements of strangers' images are, by the thousand. */
const MAX_FAULTS = 16;
/** How old an answer may be that stands for a walk, in milliseconds: older ones are being made anew. */
const MAX_ANSWER_AGE_MS = 86_400_000;

/** What judging for a cluster needs of the world. */
export interface AdmissionWorld {
  /** The published policy. */
  readonly policy: () => Policy;
  /** With the operator's own credentials: the cluster is his, and what comes of it is kept for nobody else. */
  readonly openWalk: (image: ImageReference) => Walk;
  /** Answers that are kept; without them each image is walked once. */
  readonly answers?: Pick<AnswerReader, "findHead" | "readAnswer">;
  readonly now: () => Date;
}

/** Judges images by the published policy for a cluster: by an answer that stands, or by a walk. Nothing is stored. */
export function createAdmissionJudge({ policy, openWalk, answers, now }: AdmissionWorld): ImageJudge {
  return {
    resolve: async (reference) => {
      const walk = openWalk(reference);
      try {
        return (await walk.resolve(reference))?.digest;
      } finally {
        await walk.close();
      }
    },
    judge: async (image, platforms) => {
      const published = policy();
      if (platforms === undefined) {
        const kept = await findAnswer(answers, published, image, now());
        if (kept !== undefined) return kept;
      }
      const walk = openWalk(image);
      try {
        const asOf = now();
        // The machines' own platforms count, whatever policy names (RULES R30); its digest stays the policy's.
        const asked: Policy = platforms === undefined ? published : { ...published, platforms };
        const [only, ...more] = platforms ?? [];
        const wanted = only === undefined || more.length > 0 ? "every" : only;
        const ancestry = await walkAncestry(walk, asked, image, wanted, asOf);
        const verdict = judge(ancestry, asked, image, asOf);
        return judgementOf(verdictDocument(verdict), published, verdict.validUntil);
      } finally {
        await walk.close();
      }
    },
  };
}

/** Only a word that is current, young, and about just this name, tag and digest (RULES R1, R14, R26); an inability is looked at again. */
async function findAnswer(
  answers: AdmissionWorld["answers"],
  published: Policy,
  image: PinnedImage,
  now: Date,
): Promise<ImageJudgement | undefined> {
  const head = await answers?.findHead(published.digest, image);
  if (answers === undefined || head === undefined || !isUsable(head, published, image, now)) return undefined;
  const answer = await answers.readAnswer(head.id);
  // Between the two reads another answer could have taken its place.
  if (answer === undefined || !isUsable(answer, published, image, now)) return undefined;
  const read = verdictSchema.safeParse(answer.document);
  if (!read.success || read.data.verdict !== answer.outcome) return undefined;
  return judgementOf(read.data, published, answer.validUntil);
}

function isUsable(head: AnswerHead, published: Policy, image: PinnedImage, now: Date): boolean {
  // What was judged at a time that is still to come says nothing of now: else a clock that was ahead once would make it young for as long.
  const age = now.getTime() - head.asOf.getTime();
  return (
    head.outcome !== "undetermined" &&
    standingOf(head, published.digest, now).kind === "current" &&
    age >= 0 &&
    age < MAX_ANSWER_AGE_MS &&
    formatReference(head.image) === formatReference(image)
  );
}

function judgementOf(document: VerdictDocument, published: Policy, validUntil: Date | undefined): ImageJudgement {
  const faults = [...document.faults, ...(document.verdict === "undetermined" ? document.unreachable : [])];
  return {
    outcome: document.verdict,
    level: document.level,
    policy: published.digest,
    validUntil,
    faults: revokedFirst(faultGroups(faults).map(([fault]) => fault)).map((fault): ImageFault => {
      const { code, reason, mend } = fault;
      return { code, reason, mend, way: wayTo(fault, document.nodes).map(({ name }) => name) };
    }),
  };
}

/** What is revoked gets no grace, so that it must not be the fault that is left out. */
function revokedFirst(faults: readonly DocumentFault[]): readonly DocumentFault[] {
  const isRevoked = ({ code }: DocumentFault) => code === "revoked";
  return [...faults.filter(isRevoked), ...faults.filter((fault) => !isRevoked(fault))].slice(0, MAX_FAULTS);
}
