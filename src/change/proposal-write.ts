import type { Repository } from "../build/build.ts";
import { BeyondLimit, CouldNotLook } from "../trust/ports.ts";
import { type PullRequest, WriteRefused } from "./ports.ts";
import type { ProposalCheck, ProposalPorts, PullWords } from "./proposal-ports.ts";

/** Files as they are to be. */
export interface NewFile {
  readonly path: string;
  readonly text: string;
}

/** What became of a commit on a new branch of ours. */
export type Committed =
  | { readonly kind: "committed"; readonly commit: string }
  /** Somebody has a branch of that name, with something else in it. */
  | { readonly kind: "taken" }
  | { readonly kind: "refused" };

/**
 * Commits files on a branch that isn't there yet. It is looked for first: a branch with these very files is ours, from before a crash.
 *
 * @throws {CouldNotLook}
 */
export async function commitOnNew(
  ports: Pick<ProposalPorts, "commits" | "sources">,
  repository: Repository,
  change: {
    readonly branch: string;
    readonly on: string;
    readonly message: string;
    readonly files: readonly NewFile[];
  },
): Promise<Committed> {
  const { branch, on, message, files } = change;
  const tip = await ports.commits.readBranch(repository, branch);
  if (tip !== undefined)
    return (await hasFiles(ports, repository, tip, files)) ? { kind: "committed", commit: tip } : { kind: "taken" };
  return refusable(async () => {
    const commit = await ports.commits.commit(repository, {
      branch,
      isNew: true,
      on,
      message,
      files: files.map(asBytes),
    });
    return { kind: "committed", commit };
  });
}

/** Turns a refusal into a value: who may not write shows what there is to write. */
export async function refusable<T>(run: () => Promise<T>): Promise<T | { readonly kind: "refused" | "taken" }> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof WriteRefused)) throw error;
    return { kind: error.code === "moved-on" ? "taken" : "refused" };
  }
}

/** A file as ports take it. */
export function asBytes({ path, text }: NewFile): { readonly path: string; readonly bytes: Uint8Array } {
  return { path, bytes: new TextEncoder().encode(text) };
}

/** Whether a commit has these files, to the byte. @throws {CouldNotLook} */
export async function hasFiles(
  { sources }: Pick<ProposalPorts, "sources">,
  repository: Repository,
  commit: string,
  files: readonly NewFile[],
): Promise<boolean> {
  for (const { path, bytes } of files.map(asBytes)) {
    const there = await sources
      .readFile(repository, commit, path, Math.max(bytes.length, 1))
      .catch((error: unknown) => {
        // Larger is another text.
        if (!(error instanceof BeyondLimit)) throw error;
        return undefined;
      });
    if (there === undefined || Buffer.compare(there, bytes) !== 0) return false;
  }
  return true;
}

/**
 * Opens a pull request from a branch of ours, unless there is one.
 *
 * @returns the one that is there, whatever became of it, or the new one's number.
 * @throws {CouldNotLook}
 */
export async function openOnce(
  ports: ProposalPorts,
  repository: Repository,
  pull: PullWords & { readonly branch: string; readonly base: string },
): Promise<
  | { readonly kind: "found"; readonly pull: PullRequest }
  | { readonly kind: "opened"; readonly number: number }
  | { readonly kind: "refused" | "taken" }
> {
  const found = await ports.pulls.findFromBranch(repository, pull.branch);
  if (found !== undefined) return { kind: "found", pull: found };
  return refusable(async () => ({ kind: "opened", number: await ports.pulls.open(repository, pull) }));
}

/**
 * Writes a completed check run, once for its external id, within the same slots as everything that the app writes unasked.
 *
 * @throws {CouldNotLook} also `rate-limited`, where there is no slot.
 */
export async function tellOnce(
  ports: ProposalPorts,
  repository: Repository,
  { report, ...check }: ProposalCheck,
): Promise<void> {
  if ((await ports.checkRuns.find(repository, check)) !== undefined) return;
  const now = ports.now();
  const until = await ports.slots.takeSlots(repository.installation, 1, now);
  if (until !== undefined) throw new NoSlot((until.getTime() - now.getTime()) / 1000);
  await ports.checkRuns.create(repository, check, report);
}

/** Our own limit on what we write, below GitHub's. */
class NoSlot extends CouldNotLook {
  /** In seconds. */
  readonly retryAfter: number;
  constructor(retryAfter: number) {
    super("rate-limited", `write a check run: so many writes were made that this one waits ${Math.ceil(retryAfter)} s`);
    this.retryAfter = retryAfter;
  }
}
