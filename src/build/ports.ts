import type { Platform } from "../image/platform.ts";
import type { ImageReference, PinnedImage } from "../image/reference.ts";
import type { WalkPorts } from "../trust/ancestry.ts";
import type { Policy } from "../trust/policy.ts";
import type { Sighting } from "../trust/tag-watch.ts";
import type { Verdict } from "../trust/verdict.ts";
import type { Build, BuildRequest, Conclusion, PolicyState, PolicyStates, Repository, Run } from "./build.ts";

/** A git tag, as GitHub has it now. */
export interface Tag {
  /** What the ref names: for an annotated tag the tag object. */
  readonly object: string;
  /** The commit beneath it. */
  readonly commit: string;
}

/** Reads the tags of a repository. */
export interface TagReader {
  /** @returns undefined if there is no such tag, or it is one of no commit. @throws {CouldNotLook} @throws {BeyondLimit} above five tags of tags. */
  readTag(repository: Repository, ref: string): Promise<Tag | undefined>;
  /** Every tag: the full ref and what it names, not peeled. @throws {CouldNotLook} */
  listTags(repository: Repository): Promise<readonly { readonly ref: string; readonly object: string }[]>;
}

/** A policy as it stood at a commit. */
export interface PolicyText {
  readonly kind: "repository" | "organisation";
  readonly bytes: Uint8Array;
  /** For messages: `acme/app/.github/trusted-builds.yml`. */
  readonly name: string;
  /** `git+https://github.com/acme/app@COMMIT#.github/trusted-builds.yml` */
  readonly uri: string;
  readonly commit: string;
  /** Whether its branch takes changes by reviewed pull request only (RULES R2); `unknown` where what GitHub shows us doesn't say. */
  readonly isProtected: boolean | "unknown";
}

/** Where policies are on a default branch: in the repository itself, or in the owner's repository of that name. */
export const POLICY_PLACES: Readonly<
  Record<PolicyText["kind"], { readonly repository?: string; readonly path: string }>
> = {
  repository: { path: ".github/trusted-builds.yml" },
  organisation: { repository: ".github", path: "trusted-builds.yml" },
};

/** Reads policies from default branches, never from what is judged (DESIGN §4.5). */
export interface PolicyReader {
  /** `.github/trusted-builds.yml`. @returns undefined if the repository can be read and has none. @throws {CouldNotLook} @throws {BeyondLimit} above 256 KiB. @throws {PolicyError} if it is no file. */
  readRepositoryPolicy(repository: Repository): Promise<PolicyText | undefined>;
  /**
   * `trusted-builds.yml` in the owner's repository `.github`.
   * @returns undefined if it is proven that there is none.
   * @throws {CouldNotLook} also where a 404 could hide a repository that we may not read (RULES R2). @throws {BeyondLimit}
   */
  readOrganisationPolicy(repository: Repository): Promise<PolicyText | undefined>;
}

/** A run of the workflow as GitHub has it. */
export interface RunState extends Run {
  readonly status: "queued" | "in_progress" | "completed";
  /** Of a completed one; whatever GitHub's word for it is. */
  readonly conclusion: string | undefined;
  /** Since when it is queued or running. */
  readonly since: Date;
}

/** The workflow can't be started as it was asked: a fact about the repository, and no use to try again. */
export class DispatchRefused extends Error {
  readonly code = "dispatch-refused";
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "DispatchRefused";
  }
}

/** Starts and follows the workflow that builds. */
export interface Workflows {
  /** Whether the file is in the repository at that ref (`refs/tags/…`), or on the default branch. @throws {CouldNotLook} */
  hasWorkflow(repository: Repository, file: string, ref: string | "default-branch"): Promise<boolean>;
  /**
   * Starts it at the tag.
   * @returns undefined where the server doesn't tell which run that is (GHES): look for it.
   * @throws {CouldNotLook} after which it may have been started all the same. @throws {DispatchRefused}
   */
  dispatch(
    repository: Repository,
    file: string,
    ref: string,
    build: { readonly id: string; readonly request: BuildRequest },
  ): Promise<Run | undefined>;
  /** Looks for a run that was dispatched for a build since a time: its title has the build's id. @throws {CouldNotLook} */
  findRun(repository: Repository, file: string, buildId: string, since: Date): Promise<Run | undefined>;
  /** The newest attempt. @returns undefined if there is no such run (any more). @throws {CouldNotLook} */
  readRun(repository: Repository, runId: number): Promise<RunState | undefined>;
  /** Starts a new attempt of an ended run. @throws {CouldNotLook} @throws {DispatchRefused} */
  rerun(repository: Repository, runId: number): Promise<void>;
  /** The end of the log of the first job that failed, at most 60 lines and 16 KiB; undefined if there is none. @throws {CouldNotLook} */
  readFailureLog(repository: Repository, run: Run): Promise<string | undefined>;
}

/** What a check run says. */
export interface CheckRunReport {
  readonly status: "queued" | "in_progress" | "completed";
  /** Of a completed one. */
  readonly conclusion?: Conclusion;
  readonly title: string;
  /** Markdown, within GitHub's limits. */
  readonly summary: string;
  readonly text?: string;
  /** Where the whole of it is. */
  readonly detailsUrl?: string;
  readonly startedAt?: Date;
  readonly completedAt?: Date;
  /** On lines of files at the check run's commit; any number, GitHub takes them in portions. Never changed once they are written. */
  readonly annotations?: readonly Annotation[];
  /** Buttons, at most three. */
  readonly actions?: readonly CheckAction[];
}

/** A remark on lines of a file. */
export interface Annotation {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly endLine: number;
  readonly level: "notice" | "warning" | "failure";
  /** At most 255 characters. */
  readonly title: string;
  /** Plain text: GitHub shows no markup in it. */
  readonly message: string;
}

/** A button on a check run; GitHub tells who clicked it. */
export interface CheckAction {
  /** At most 20 characters, as the identifier; the description 40. */
  readonly label: string;
  readonly description: string;
  readonly identifier: string;
}

/** Writes check runs; nothing else does. */
export interface CheckRuns {
  /** @returns its id. @throws {CouldNotLook} after which it may be there all the same. */
  create(
    repository: Repository,
    check: { readonly name: string; readonly commit: string; readonly externalId: string },
    report: CheckRunReport,
  ): Promise<number>;
  /** Looks for one of ours. @throws {CouldNotLook} */
  find(
    repository: Repository,
    check: { readonly name: string; readonly commit: string; readonly externalId: string },
  ): Promise<number | undefined>;
  /** Whether it already says this: status, conclusion, title and summary, with as many annotations. @throws {CouldNotLook} */
  says(repository: Repository, id: number, report: CheckRunReport): Promise<boolean>;
  /** @throws {CouldNotLook} */
  update(repository: Repository, id: number, report: CheckRunReport): Promise<void>;
}

/** One policy's answer about a build's image. */
export interface Judgement {
  readonly policy: Omit<PolicyText, "bytes">;
  readonly verdict: Verdict;
  /** The policy's word on which faults fail; strict if it isn't known. */
  readonly enforce?: Policy["enforce"];
  /** Where the check passes by this policy: the faults that it has all the same, by {@link faultKeys} (RULES R35). */
  readonly passedWith?: readonly string[];
  /** What was signed of it; absent where nothing is signed. */
  readonly summaries?: readonly SignedSummary[];
}

/** What was signed of a verdict about one platform's image (RULES R28). */
export interface SignedSummary {
  readonly image: PinnedImage;
  readonly platform: Platform | undefined;
  readonly result: "PASSED" | "FAILED";
  /** In base64. */
  readonly signature: string;
  /** A Sigstore bundle as JSON has it. */
  readonly bundle: object;
}

/** What judging an image needs of the world, for one walk. */
export interface Walk extends WalkPorts {
  /** @returns undefined if the repository can be read and doesn't hold it. @throws {CouldNotLook} */
  resolve(reference: ImageReference): Promise<PinnedImage | undefined>;
  close(): Promise<void>;
}

/**
 * Opens one; its connections and its time limit are its own.
 *
 * @param image - What is built from that repository: only about it is the repository itself asked (RULES R15).
 */
export type OpenWalk = (repository: Repository, image: ImageReference) => Walk;

/** What is kept of builds. Every method is one transaction. */
export interface BuildStore {
  /** @returns undefined if there is none. */
  readBuild(id: string): Promise<Build | undefined>;
  saveBuild(build: Build): Promise<void>;
  /** The policies with which the build was started: the repository's, and the organisation's where there is one. */
  readPolicies(id: string): Promise<StoredPolicies>;
  savePolicies(id: string, policies: StoredPolicies): Promise<void>;
  /** Stores verdicts and the build that has them together. They replace those of an earlier judgement of the same attempt. */
  saveJudgements(build: Build, judgements: readonly Judgement[]): Promise<void>;
}

/** Remembers with which faults images passed (RULES R35). */
export interface PassStore {
  /**
   * The newest time that this image passed by a policy of this kind, in this build's earlier rounds or in an older build of the same
   * repository, as the same owner's and through the same installation. What failed is no measure: pushed twice, it would pass.
   *
   * @returns undefined if it never passed.
   */
  readPassedWith(build: Build, kind: PolicyText["kind"]): Promise<readonly string[] | undefined>;
}

/** What a tag of an image was seen at. */
export interface TagSightings {
  readonly tag: string;
  readonly sightings: readonly Sighting[];
}

/** Remembers what stood under tags that move, for each repository that builds and under its installation alone (RULES R3, R26). */
export interface SightingStore {
  /** The newest that were kept, in any order. */
  readSightings(repository: Repository, image: string, tag: string): Promise<readonly Sighting[]>;
  /** Kept twice, the earlier time of signing stays: what is known only grows. */
  recordSightings(repository: Repository, image: string, seen: readonly TagSightings[]): Promise<void>;
}

/** The policies of a build. */
export interface StoredPolicies {
  readonly repository: PolicyText;
  /** `unknown`: neither it nor its absence could be proven so far. */
  readonly organisation: PolicyText | "absent" | "unknown";
}

/** What is kept of policies as they were last seen. A row is of one installation, and answers nobody else's question (RULES R3). */
export interface PolicyStateStore {
  readPolicyStates(repository: Repository): Promise<PolicyStates>;
  /** @param text - Kept by its digest: what is judged by it can be judged again. */
  savePolicyState(
    repository: Repository,
    kind: PolicyText["kind"],
    state: PolicyState,
    text: PolicyText | undefined,
  ): Promise<void>;
}

/** What one installation saw before, and who else builds what it builds. */
export interface NoticeStore {
  /** @returns the digest of the workflow that was first seen under this builder's ref, through the same installation; from now on this one if there was none. */
  keepFirstDigest(repository: Repository, builder: string, digest: string): Promise<string>;
  /**
   * Other repositories that build under an image's name, whoever installed the app there.
   *
   * @param limit - How many are named at most. Private ones never are.
   * @returns `hidden` counts the others.
   */
  listRivals(
    repository: Repository,
    image: string,
    limit: number,
  ): Promise<{ readonly named: readonly string[]; readonly hidden: number }>;
}

/** Finds what has to be judged anew. */
export interface StaleBuilds {
  /**
   * Policies of judged builds that nobody has looked at for a while, the longest first; they count as looked at from now on, so that
   * one that can't be read keeps nobody from the others.
   */
  claimPolicies(
    now: Date,
    notSince: Date,
    limit: number,
  ): Promise<readonly { readonly repository: Repository; readonly kind: PolicyText["kind"] }[]>;
  /**
   * Builds that are the newest of their tag and image, and answer another policy than was seen last, or rest on what has lapsed; the
   * newest first.
   *
   * @param limit - For each installation.
   */
  listStaleBuilds(now: Date, limit: number): Promise<readonly string[]>;
}

/** Where a tag was when it was last heard of, and how often it has moved. */
export interface TagState {
  readonly generation: number;
  /** What the ref names; undefined once the tag was deleted. */
  readonly object: string | undefined;
  /** What it named before; undefined where nobody told us (found by looking). */
  readonly before: string | undefined;
}

/** What is kept of tags. */
export interface TagStore {
  readTagState(repositoryId: number, ref: string): Promise<TagState | undefined>;
  /**
   * Records a push and the builds that it makes, together. A build whose key is there already is not made again.
   * @returns the ids of the builds that are new.
   */
  recordPush(push: {
    readonly repository: Repository;
    readonly ref: string;
    readonly state: TagState;
    readonly builds: readonly Build[];
    readonly policies: StoredPolicies | undefined;
  }): Promise<readonly string[]>;
  /** Builds of a tag that are judged and rest on another commit than the tag has now. */
  listBuilds(repositoryId: number, ref: string): Promise<readonly Build[]>;
}

/** Finds builds by what GitHub calls them. */
export interface BuildIndex {
  findBuildByRun(repositoryId: number, runId: number): Promise<Build | undefined>;
  /** By the check run that it has now. An older one is another round's, which is over. */
  findBuildByCheckRun(repositoryId: number, checkRun: number): Promise<Build | undefined>;
  /** Those of a commit that are the newest of their tag and image; at most 50. */
  listBuildsOfCommit(repositoryId: number, commit: string): Promise<readonly Build[]>;
}

/** What is kept of the repositories that the app is installed on. */
export interface RepositoryStore {
  /** As GitHub tells of it now: its name, owner and visibility may have changed. */
  rememberRepository(repository: Repository): Promise<void>;
  /** @returns undefined if it isn't known, or the app was taken from it. */
  readRepository(id: number): Promise<Repository | undefined>;
  /** The app was taken from it; what was built stays. */
  forgetRepository(id: number): Promise<void>;
  forgetInstallation(installation: number): Promise<void>;
  listRepositories(): Promise<readonly KnownRepository[]>;
  /** Records tags that were there before us, and that the repository's past is known from now on. What was heard of already stays. */
  recordBaseline(
    repositoryId: number,
    tags: readonly { readonly ref: string; readonly object: string }[],
  ): Promise<void>;
}

/** A repository, and whether its tags of the time before the installation are recorded: nobody asked to build those. */
export interface KnownRepository {
  readonly repository: Repository;
  readonly isBaselined: boolean;
}

/** Where the app is installed. */
export interface Installation {
  readonly id: number;
  readonly ownerId: number;
  readonly owner: string;
  /** Nothing can be read or written until the owner lifts it. */
  readonly isSuspended: boolean;
}

/** Lists where the app is installed: what webhooks told could have been missed. */
export interface Installations {
  /** @throws {CouldNotLook} @throws {BeyondLimit} */
  listInstallations(): Promise<readonly Installation[]>;
  /** The repositories that one of them reaches. @throws {CouldNotLook} @throws {BeyondLimit} */
  listRepositories(installation: number): Promise<readonly Repository[]>;
}

/** One attempt to deliver a webhook, as GitHub remembers it. */
export interface HookDelivery {
  /** Of the attempt; digits, more than a number holds exactly. */
  readonly id: string;
  /** Of the delivery: each attempt has the same. */
  readonly guid: string;
  readonly deliveredAt: Date;
  readonly event: string;
  readonly action: string | undefined;
  readonly repositoryId: number | undefined;
  /** Whether we answered that we have it. */
  readonly isReceived: boolean;
}

/** Looks for deliveries that never arrived: GitHub doesn't send them again by itself. */
export interface Deliveries {
  /**
   * One page of attempts, the newest first.
   * @param cursor - `next` of the page before; the newest page if undefined.
   * @returns `next` is undefined once everything since that time was told.
   * @throws {CouldNotLook}
   */
  listDeliveries(
    since: Date,
    cursor?: string,
  ): Promise<{ readonly deliveries: readonly HookDelivery[]; readonly next: string | undefined }>;
  /** Asks GitHub to send it again. @returns false if GitHub doesn't remember it any more. @throws {CouldNotLook} */
  redeliver(id: string): Promise<boolean>;
}
