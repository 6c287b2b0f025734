import type { Repository } from "../build/build.ts";
import type { Digest } from "../image/digest.ts";
import { formatReference, type ImageReference, type PinnedImage } from "../image/reference.ts";
import { type Ancestry, type WalkPorts, walkAncestry } from "../trust/ancestry.ts";
import { keepListings } from "../trust/kept-listings.ts";
import { BeyondLimit, CouldNotLook } from "../trust/ports.ts";
import { createByteStore, RecordTooLarge, recordWalk } from "../trust/recording.ts";
import { judge, type Verdict } from "../trust/verdict.ts";
import type { WalkRecord } from "../trust/walk-record.ts";
import type { Answer } from "./answer.ts";
import { type AudiencePorts, audienceOf } from "./audience.ts";
import type { DockerfileReader } from "./dockerfiles.ts";
import { gatherFacts } from "./gather-facts.ts";
import type { AnswerEvidence, AnswerSummary, JudgedAnswer } from "./ports.ts";
import type { PublishedPolicy } from "./published-policy.ts";

/** Largest evidence of one answer, in bytes; an answer with more is made without. */
const MAX_EVIDENCE_BYTES = 64 * 1024 * 1024;

/** Largest verdict that is kept, in bytes of JSON: every answer is read from it, and a stranger's provenance may list 40 MB of inputs. */
export const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;

/** A verdict that could not be reached stands for so long before it is tried anew, in milliseconds. */
export const UNDETERMINED_MS = 60 * 60_000;

/** What stands for the image isn't there, or isn't shown to everyone: registries say the same of both. */
const HIDDEN_CODES = ["not-found-unproven", "credentials-refused"];

/** What is read on the way to one answer. */
export interface AnswerWalk extends WalkPorts {
  /** @returns undefined if the repository can be read and doesn't hold it. @throws {CouldNotLook} @throws {BeyondLimit} */
  resolve(reference: ImageReference): Promise<PinnedImage | undefined>;
  /** By which the verifier goes. */
  readonly roots: readonly { readonly name: string; readonly bytes: Uint8Array }[];
  readonly dockerfiles: DockerfileReader;
  close(): Promise<void>;
}

/** What judging by the published policy needs of the world. */
export interface JudgeImagePorts extends AudiencePorts {
  readonly published: PublishedPolicy;
  /**
   * Opens a walk; its connections and its limit of time are its own.
   *
   * @param readers - The private repository with whose credentials is read; without one, only what everyone may read is shown.
   */
  openWalk(image: ImageReference, readers: Repository | undefined, signal: AbortSignal | undefined): AnswerWalk;
  /** The verdict as it is kept, and the digest of what it says. */
  serialise(verdict: Verdict): { readonly document: unknown; readonly result: Digest };
  /** Signs what the verdict says of each platform; nothing where no summaries are signed. */
  summarise(verdict: Verdict): Promise<readonly AnswerSummary[]>;
  newId(): string;
  now(): Date;
}

/** What came of it. */
export type JudgedImage =
  | {
      readonly kind: "judged";
      readonly judged: JudgedAnswer;
      readonly verdict: Verdict;
      /** When the tag was seen to name the image; undefined where the digest was given. */
      readonly seenAt: Date | undefined;
    }
  /** It isn't there, or not everyone may see it. */
  | { readonly kind: "nothing" };

/**
 * Judges an image by the published policy. Its tag is resolved once, and the digest carried from there on (RULES R26).
 *
 * @param repository - Whose build made it, where one of ours did.
 * @throws {CouldNotLook} where not even a digest is known, or who may be told isn't.
 * @throws {BeyondLimit} for a verdict that is too large to be told: nothing is said in its place.
 */
export async function judgeImage(
  ports: JudgeImagePorts,
  asked: ImageReference,
  { repository, signal }: { readonly repository?: Repository | undefined; readonly signal?: AbortSignal } = {},
): Promise<JudgedImage> {
  if (repository?.isPrivate !== true) return judgeFor(ports, asked, undefined, signal);
  // Whoever builds may call an image what he likes, also by another's name: what everyone may read stays everyone's, unless a statement
  // that counts says that it is of this repository; and what is another repository's isn't made this one's readers'.
  const open = await judgeFor(ports, asked, undefined, signal);
  if (open.kind === "judged" && !isOf(open.judged.answer, repository, ports.server)) return open;
  const own = await judgeFor(ports, asked, repository, signal);
  const names = own.kind === "judged" ? numbersOf(own.judged.answer, ports.server) : [];
  return names.length === 0 || names.includes(String(repository.id)) ? own : { kind: "nothing" };
}

/** Whether a statement that counts names the repository. */
function isOf(answer: Answer, { id }: Repository, server: string): boolean {
  return numbersOf(answer, server).includes(String(id));
}

/** The numbers of the server's repositories that accepted statements on the image name. */
function numbersOf({ facts }: Answer, server: string): readonly string[] {
  return facts.sources.flatMap(({ repository, repositoryId }) =>
    repository.startsWith(`${server}/`) && repositoryId !== null ? [repositoryId] : [],
  );
}

/** @param readers - The private repository with whose credentials is read, where that is needed. */
async function judgeFor(
  ports: JudgeImagePorts,
  asked: ImageReference,
  readers: Repository | undefined,
  signal: AbortSignal | undefined,
): Promise<JudgedImage> {
  const opened = ports.openWalk(asked, readers, signal);
  const walk = { ...opened, attestations: keepListings(opened.attestations) };
  try {
    // The time before: what it names may have changed while the registry answered.
    const seenAt = ports.now();
    const found = await resolve(walk, asked);
    if (found === undefined) return { kind: "nothing" };
    const { verdict, ancestry, record } = await recorded(ports, walk, asked, found);
    if (isNothing(verdict)) return { kind: "nothing" };
    const { policy } = ports.published;
    const facts = await gatherFacts({ walk, dockerfiles: walk.dockerfiles }, policy, ancestry, verdict);
    const { document, result } = ports.serialise(verdict);
    const size = Buffer.byteLength(JSON.stringify(document));
    if (size > MAX_DOCUMENT_BYTES)
      throw new BeyondLimit(`the verdict has ${size} bytes, and no more than ${MAX_DOCUMENT_BYTES} are kept`);
    const [source] = facts.sources;
    const answer: Answer = {
      id: ports.newId(),
      image: found,
      policy: verdict.policy,
      outcome: verdict.outcome,
      level: verdict.level,
      asOf: verdict.asOf,
      validUntil: validityOf(verdict),
      result,
      audience: await audienceOf(ports, verdict, readers),
      source: source && {
        repository: source.repository,
        commit: source.commit ?? undefined,
        ref: source.ref ?? undefined,
      },
      document,
      facts,
    };
    const judged: JudgedAnswer = {
      answer,
      doneAt: ports.now(),
      ancestors: ancestorsOf(verdict, found.digest),
      faults: [...new Set(verdict.faults.map(({ code }) => code))],
      summaries: await ports.summarise(verdict),
      evidence: record && evidenceOf(ports, walk, asked, verdict, result, record),
      ...(verdict.outcome === "trusted" &&
        answer.audience.kind === "everyone" && { known: verdict.nodes.flatMap(({ known }) => known ?? []) }),
    };
    return { kind: "judged", judged, verdict, seenAt: asked.digest === undefined ? seenAt : undefined };
  } finally {
    await walk.close();
  }
}

async function resolve(walk: AnswerWalk, asked: ImageReference): Promise<PinnedImage | undefined> {
  try {
    const found = await walk.resolve(asked);
    if (found !== undefined && asked.digest !== undefined && found.digest !== asked.digest)
      throw new Error(`asked for ${asked.digest}, and resolved ${found.digest}`);
    return found;
  } catch (error) {
    // Larger than any image's manifest may be: no image.
    if (error instanceof BeyondLimit) return undefined;
    if (error instanceof CouldNotLook && HIDDEN_CODES.includes(error.code)) return undefined;
    throw error;
  }
}

/** What the world answered to the walk, and its bytes. */
type Recorded = { readonly record: WalkRecord; readonly bytes: ReturnType<typeof createByteStore> };

/** Walks, and writes down what the world answers; where that is too much to keep, walks without. */
async function recorded(
  { published: { policy }, now }: JudgeImagePorts,
  walk: AnswerWalk,
  asked: ImageReference,
  found: PinnedImage,
): Promise<{ readonly verdict: Verdict; readonly ancestry: Ancestry; readonly record: Recorded | undefined }> {
  const judgedBy = async (ports: WalkPorts) => {
    const asOf = now();
    const ancestry = await walkAncestry(ports, policy, found, "every", asOf);
    return { ancestry, verdict: judge(ancestry, policy, found, asOf) };
  };
  try {
    const bytes = createByteStore(MAX_EVIDENCE_BYTES);
    const recording = recordWalk(walk, async () => ({ pinned: found }), bytes);
    // Whoever replays it asks by the name first.
    await recording.ports.resolve(asked);
    const told = await judgedBy(recording.ports);
    return { ...told, record: { record: await recording.finish(), bytes } };
  } catch (error) {
    if (!(error instanceof RecordTooLarge)) throw error;
    return { ...(await judgedBy(walk)), record: undefined };
  }
}

function evidenceOf(
  { published, server }: JudgeImagePorts,
  { roots }: AnswerWalk,
  asked: ImageReference,
  { asOf, outcome }: Verdict,
  result: Digest,
  { record, bytes }: Recorded,
): AnswerEvidence | undefined {
  const { policy, bytes: text, isDefault } = published;
  try {
    return {
      image: {
        reference: formatReference(asked),
        platform: null,
        asOf: asOf.toISOString(),
        policy: { name: policy.name, blob: bytes.keep(text), server, isDefault },
        trustedRoots: roots.map((root) => ({ name: root.name, blob: bytes.keep(root.bytes) })),
        outcome,
        result,
        record,
      },
      bytes: bytes.bytes,
    };
  } catch (error) {
    if (!(error instanceof RecordTooLarge)) throw error;
    return undefined;
  }
}

/** Whether the image itself couldn't be had; that an ancestor, or one of its platforms, can't is a verdict. */
function isNothing({ platforms, nodes }: Verdict): boolean {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const [only] = platforms;
  if (platforms.length !== 1 || only === undefined || only.platform !== undefined) return false;
  const finding = byId.get(only.node)?.finding;
  if (finding?.kind === "unresolved") return finding.code === "manifest-not-found";
  return finding?.kind === "unreachable" && HIDDEN_CODES.includes(finding.code);
}

function validityOf({ outcome, asOf, validUntil }: Verdict): Date | undefined {
  if (outcome !== "undetermined") return validUntil;
  const again = asOf.getTime() + UNDETERMINED_MS;
  return new Date(Math.min(again, validUntil?.getTime() ?? again));
}

function ancestorsOf({ nodes }: Verdict, own: Digest): readonly Digest[] {
  const digests = nodes.flatMap(({ digest, index }) => [digest, index].filter((each) => each !== undefined));
  return [...new Set(digests)].filter((digest) => digest !== own);
}
