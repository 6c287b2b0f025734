import type { Digest } from "../image/digest.ts";
import type { ImageReference, PinnedImage } from "../image/reference.ts";
import type { ExportedImage } from "../trust/exported-evidence.ts";
import type { KnownImage, KnownImages } from "../trust/ports.ts";
import type { Outcome } from "../trust/verdict.ts";
import type { RecordedBytes } from "../trust/walk-record.ts";
import type { Answer, AnswerHead, PastAnswer, Told, Viewer } from "./answer.ts";
import type { Inquiry } from "./inquiry.ts";

/** Longest page of a list. */
export const MAX_PAGE = 100;

/** A part of a list that goes on. */
export interface Page<Entry> {
  readonly entries: readonly Entry[];
  /** Where the next part begins; undefined at the end. Opaque. */
  readonly next: string | undefined;
}

/** What was given as the place where a list goes on is none that a list of ours has named. */
export class CursorRefused extends Error {
  readonly code = "malformed-cursor";
  constructor() {
    super("read where a list goes on: no list has named this place");
    this.name = "CursorRefused";
  }
}

/** By what images are found. Finding says nothing of trust: it is told beside it. */
export interface AnswerSearch {
  /** In the name, in any case; a part is enough. */
  readonly text?: string;
  /** `acme/app`, or the repository's whole address. */
  readonly source?: string;
  /** Of the source repository. */
  readonly owner?: string;
  readonly outcome?: Outcome;
}

/** A signed summary (VSA) of one platform of an answer. */
export interface AnswerSummary {
  /** In base64: no two are the same. */
  readonly signature: string;
  /** The platform's manifest, `registry/repository[:tag]@sha256:…`. */
  readonly image: string;
  readonly platform: string | undefined;
  readonly result: "PASSED" | "FAILED";
  /** The Sigstore bundle, as JSON. */
  readonly bundle: string;
}

/** All that an answer rests on. */
export interface AnswerEvidence {
  readonly image: ExportedImage;
  /** Everything that it names. */
  readonly bytes: RecordedBytes;
}

/** Reads answers as they are kept; who may be told is decided by whoever asks here. */
export interface AnswerReader {
  /** What a tag was last seen to name. */
  readTag(name: string, tag: string): Promise<{ readonly digest: Digest; readonly seenAt: Date } | undefined>;
  /** The newest answer about this digest under this name and tag (or, without one, by digest alone), by whichever policy; the published one's first. */
  findHead(published: Digest, image: PinnedImage): Promise<AnswerHead | undefined>;
  /** The newest under every name and tag under which the digest was judged, by this policy; at most {@link MAX_PAGE}. */
  listHeads(published: Digest, digest: Digest): Promise<readonly AnswerHead[]>;
  readAnswer(id: string): Promise<Answer | undefined>;
  /** Verdicts on a name and tag (or, without one, on what was asked for by digest), the newest first. Answers for everyone only. */
  listPast(image: ImageReference, limit: number): Promise<readonly PastAnswer[]>;
  /** Images for everyone in whose ancestry a digest is, be it an index or a platform's manifest. @throws {CursorRefused} */
  listDescendants(published: Digest, digest: Digest, limit: number, after?: string): Promise<Page<AnswerHead>>;
  /** Images for everyone, the newest answer first; what a tag named before isn't among them. @throws {CursorRefused} */
  search(published: Digest, by: AnswerSearch, limit: number, after?: string): Promise<Page<AnswerHead>>;
  listAnswerSummaries(id: string): Promise<readonly AnswerSummary[]>;
  /** @returns undefined where none was kept: it was too large, or the answer is an older one. */
  readAnswerEvidence(id: string): Promise<AnswerEvidence | undefined>;
}

/** An answer that was just made, with everything that is kept of it. */
export interface JudgedAnswer {
  readonly answer: Answer;
  /** By the same clock as its `asOf`. */
  readonly doneAt: Date;
  /** The digests of its ancestry, indexes included; its own aren't among them. */
  readonly ancestors: readonly Digest[];
  readonly faults: readonly string[];
  readonly summaries: readonly AnswerSummary[];
  readonly evidence: AnswerEvidence | undefined;
  /** The images of a trusted ancestry, to be known again (RULES R22); of an answer that isn't both trusted and for everyone none is kept. */
  readonly known?: readonly KnownImage[];
}

/** Keeps answers. Each method is one transaction. */
export interface AnswerWriter {
  /**
   * It takes the place of the one about the same digest, name, tag and policy; what it said stays in the history where this says something
   * else. Nothing is kept where that one is newer, unless its time is still to come: one clock that was ahead would keep all others from it.
   * From then on the replaced one's id names nothing, and inquiries that ended with it name this.
   */
  saveAnswer(judged: JudgedAnswer): Promise<void>;
  /** Seen twice, the later time stays. */
  saveTag(name: string, tag: string, digest: Digest, seenAt: Date): Promise<void>;
}

/** Remembers which answers are asked for, and finds those that have to be made anew. */
export interface AskedAnswers {
  /** Kept to the hour. */
  noteAsked(id: string, now: Date): Promise<void>;
  /**
   * Answers about what tags name now, and about digests, that have lapsed, that are by another policy than the published one, or that are
   * older than a day and were asked for within a week. Those that are being asked about already aren't among them, nor those of which an
   * inquiry found nothing within a day.
   */
  listStaleAnswers(published: Digest, now: Date, limit: number): Promise<readonly AnswerHead[]>;
}

/** Remembers what published answers accepted. */
export interface PublishedImages {
  /** Only what everyone may know of. */
  knownPublished(): KnownImages;
}

/** What the policy of a public repository says of an image: a lesser mark beside the operator's (RULES R1, R3). */
export interface OwnerVerdict {
  readonly repositoryId: number;
  readonly ownerId: number;
  /** `acme/app` */
  readonly fullName: string;
  readonly outcome: Outcome;
  /** What its check run concluded, where the policy's mode of enforcement is kept. */
  readonly conclusion: "success" | "failure" | "action_required" | undefined;
  readonly asOf: Date;
  readonly policyUri: string;
  readonly policyCommit: string;
}

/** Repositories whose builds make an image. Each may claim any name: whose claim is proven, the provenance says (RULES R3). */
export interface OwnerVerdicts {
  /** @returns public ones by name, at most `limit`, and how many more there are. */
  listClaims(name: string, limit: number): Promise<{ readonly named: readonly string[]; readonly hidden: number }>;
  /** Of each public repository's own policy the newest on this digest; at most {@link MAX_PAGE}. */
  listOwnerVerdicts(name: string, digest: Digest): Promise<readonly OwnerVerdict[]>;
}

/** Keeps inquiries; each is worked on under a lease of its own. */
export interface InquiryStore {
  /**
   * Notes it, and has it worked on. What a build of ours made is another question than what anyone asks about the same image.
   *
   * @returns the one that stands already where the same is asked and not answered yet.
   */
  openInquiry(inquiry: Inquiry): Promise<Inquiry>;
  readInquiry(id: string): Promise<Inquiry | undefined>;
  /** Where it waits it is worked on again at that time. It must not have ended before. */
  saveInquiry(inquiry: Inquiry): Promise<void>;
  /** How many aren't answered yet. */
  countOpenInquiries(): Promise<number>;
}

/** What the faces ask: the one way to an answer, which decides who may be told. */
export interface LookUp {
  byReference(reference: ImageReference, viewer: Viewer): Promise<Told>;
  /** Under every name and tag under which it was judged. None, or none that may be seen: an empty list. */
  byDigest(digest: Digest, viewer: Viewer): Promise<readonly Told[]>;
}

/** Decides by GitHub who may read a repository. */
export interface RepositoryReaders {
  /**
   * Whether whoever has this token can read all of these repositories.
   *
   * @param question - What was asked for: the answer is kept under it for minutes, so that a second question costs the same whether
   * anything is hidden there or not.
   * @throws {CouldNotLook}
   */
  mayRead(token: string, repositoryIds: readonly string[], question: string): Promise<boolean>;
}

/** Knows whether everyone may read a repository of the GitHub server. */
export interface RepositoryVisibility {
  /**
   * @param repository - `https://github.com/acme/app`.
   * @param repositoryId - Undefined where the certificate is of a time before numbers: then it is asked by name, whoever has that now.
   * @throws {CouldNotLook} where it can't be said now.
   */
  isPublic(repository: string, repositoryId: string | undefined): Promise<boolean>;
}

/** Knows which of the repositories behind an answer are private by now, of those that the server hears of. */
export interface PrivateSources {
  /**
   * @param answers - Ids of answers; what isn't there costs the same as what is.
   * @returns for each with any: the numeric ids of the repositories of the GitHub server that its accepted statements name and that
   * were last known to be private, also where the app was taken from them since: nobody would tell us that they are public again.
   */
  listPrivateSources(answers: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>>;
}
