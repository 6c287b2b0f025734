import type { Repository } from "../build/build.ts";
import type { CheckRunReport, CheckRuns, PolicyReader, TagReader } from "../build/ports.ts";
import type { Digest } from "../image/digest.ts";
import type { DockerfileReading } from "../image/dockerfile/reading.ts";
import type { ImageReference, PinnedImage } from "../image/reference.ts";
import type { Forecast } from "../trust/forecast.ts";
import type { ExpectedBuild, Policy } from "../trust/policy.ts";
import type { OnboardingDraft } from "./onboarding-state.ts";
import type { PinsProposal } from "./pins-state.ts";
import type { CommitWriter, Permissions, PullRequestWriter, SourceReader, WriteSlots } from "./ports.ts";

/** What the app proposes by itself: its files to a repository that has none, and newer digests. */
export type ProposalKind = "onboarding" | "pins";

/** How far a proposal is, and the version of its row. */
export interface StoredProposal {
  /** What was saved, as JSON has it; whoever reads it parses it. */
  readonly state: unknown;
  readonly version: number;
}

/**
 * Keeps what was proposed, for each repository by its number. That somebody said no stays known whoever uninstalls the app: nothing of a
 * tenant's is in it but what it proposes to the repository itself.
 */
export interface ProposalStore {
  /** @returns undefined if the app isn't there (any more). */
  readRepository(id: number): Promise<Repository | undefined>;
  readProposal(repositoryId: number, kind: ProposalKind): Promise<StoredProposal | undefined>;
  /**
   * @param version - Of what was read; 0 where there was none. Somebody else's write in between is an error.
   * @param due - When to look again though nothing comes; undefined is never.
   * @returns the new version.
   */
  saveProposal(
    repositoryId: number,
    kind: ProposalKind,
    state: object,
    version: number,
    due: Date | undefined,
  ): Promise<number>;
  /** Repositories in which the app is and for which nothing is kept of that kind, or whose time has come. */
  listDueProposals(kind: ProposalKind, now: Date, limit: number): Promise<readonly number[]>;
}

/** What a repository is now. */
export interface RepositoryState {
  readonly defaultBranch: string;
  /** Undefined where it is empty. */
  readonly head: string | undefined;
  readonly isArchived: boolean;
  readonly isFork: boolean;
}

/** Reads what a repository is, by its name, and makes sure that it is the one with the number. */
export interface RepositoryStates {
  /** @throws {CouldNotLook} */
  readState(repository: Repository): Promise<RepositoryState>;
}

/** Asks GitHub for accounts' numbers. */
export interface AccountNumbers {
  /** @returns undefined if there is no account of that name. @throws {CouldNotLook} */
  readAccount(
    repository: Repository,
    name: string,
  ): Promise<{ readonly login: string; readonly id: number } | undefined>;
}

/** How a Dockerfile is built: policy's words, or none of them. */
export type BuildChoices = Pick<ExpectedBuild, "target" | "platforms" | "buildArgs" | "contexts">;

/** A reference, by its place in a reading, and the digest that it is to have. */
export interface MovedPin {
  readonly place: { readonly start: number; readonly end: number };
  readonly digest: Digest;
}

/** What an image would be. Opened for one repository, and closed by whoever opened it. */
export interface Foresight {
  /** What the text uses, one reading for each platform. @throws {DockerfileError} where BuildKit would refuse it. @throws {CouldNotLook} */
  read(text: Uint8Array, choices: BuildChoices): Promise<readonly DockerfileReading[]>;
  /** @throws {DockerfileError} @throws {CouldNotLook} where not even that it is undetermined can be said. */
  forecast(policy: Policy, text: Uint8Array, choices: BuildChoices): Promise<Forecast>;
  /** The text with other digests at these places of its readings; every other byte as it was. */
  pin(text: Uint8Array, pins: readonly MovedPin[]): Uint8Array;
  /** @returns undefined if the registry has no such tag. @throws {CouldNotLook} */
  resolve(reference: ImageReference): Promise<PinnedImage | undefined>;
  close(): Promise<void>;
}

/** What a check run says of a proposal, and which one that is. */
export interface ProposalCheck {
  readonly name: string;
  readonly commit: string;
  readonly externalId: string;
  readonly report: CheckRunReport;
}

/** The words of a pull request. */
export interface PullWords {
  readonly title: string;
  /** Markdown, within GitHub's limits. */
  readonly body: string;
}

/** How proposals are told, and to whom pages link. */
export interface ProposalWords {
  readonly onboardingPull: (repository: Repository, draft: OnboardingDraft, withoutWorkflow: boolean) => PullWords;
  readonly onboardingCheck: (repository: Repository, draft: OnboardingDraft) => CheckRunReport;
  readonly pinsPull: (proposal: PinsProposal) => PullWords;
  readonly pinsCheck: (repository: Repository, proposal: PinsProposal, isOffered: boolean) => CheckRunReport;
}

/** What proposals need of the world. */
export interface ProposalPorts {
  readonly store: ProposalStore;
  readonly states: RepositoryStates;
  readonly sources: SourceReader;
  readonly policies: PolicyReader;
  readonly tags: Pick<TagReader, "listTags">;
  readonly accounts: AccountNumbers;
  readonly permissions: Pick<Permissions, "readWriting">;
  readonly commits: CommitWriter;
  readonly pulls: PullRequestWriter;
  readonly checkRuns: Pick<CheckRuns, "create" | "find">;
  readonly slots: WriteSlots;
  readonly foresee: (repository: Repository) => Foresight;
  readonly words: ProposalWords;
  /** The GitHub server's URL: what policies mean by names. */
  readonly server: string;
  readonly now: () => Date;
  /** Pauses after what could not be looked at. */
  readonly retriesMs: readonly number[];
  /** How often each repository's pins are looked at; 0 is never. */
  readonly renovateMs: number;
}
