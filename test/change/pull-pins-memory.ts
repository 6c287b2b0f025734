import type { Repository } from "../../src/build/build.ts";
import {
  type CommitWriter,
  OUR_BRANCHES,
  type Permissions,
  type PullRequest,
  type PullRequestWriter,
  WriteRefused,
  type Writing,
} from "../../src/change/ports.ts";
import type { PullJob } from "../../src/change/pull-check.ts";
import type { PullReviews } from "../../src/change/pull-pins-ports.ts";
import type { JudgedPin } from "../../src/change/pull-pins-text.ts";
import { type Digest, digestOf } from "../../src/image/digest.ts";
import { REPOSITORY } from "../build/world.ts";
import type { PullScene } from "./pull-world.ts";

/** The digest that was judged for a name. */
export const judgedDigest = (name: string): Digest => digestOf(Buffer.from(name));

type Suggested = Parameters<PullRequestWriter["suggest"]>[2];

/** What GitHub lets the app write beside check runs, in memory: branches, pull requests, reviews. */
export class PinsMemory implements Permissions, CommitWriter, PullRequestWriter, PullReviews {
  writing: Writing = { contents: true, pullRequests: true, workflows: true };
  readonly branches = new Map<string, string>();
  /** Every commit that was made, whether or not its answer arrived. */
  readonly commits: Parameters<CommitWriter["commit"]>[1][] = [];
  readonly opened: { readonly branch: string; readonly base: string; readonly body: string; isOpen: boolean }[] = [];
  readonly suggested: Suggested[] = [];
  /** Branches on which a commit is refused, and how. */
  readonly refusals = new Map<string, WriteRefused["code"]>();
  /** Whether GitHub takes suggestions on a file. */
  isShown: (path: string) => boolean = () => true;
  /** Forecasts are forgotten. */
  isForgotten = false;
  private readonly scene: PullScene;

  constructor(scene: PullScene) {
    this.scene = scene;
  }

  /** What `FROM` names in the files of the head, as it was judged. */
  readonly judgedPins = async ({ head }: PullJob): Promise<readonly JudgedPin[] | undefined> => {
    if (this.isForgotten) return undefined;
    return Object.entries(this.scene.files.get(head.commit) ?? {}).flatMap(([path, text]) =>
      [...text.matchAll(/(?<=FROM\s+)[^\s@]+(?=\s)/g)].map(({ 0: written, index: start }) => ({
        path,
        place: { start, end: start + written.length },
        written,
        digest: judgedDigest(written),
      })),
    );
  };

  async readWriting(): Promise<Writing> {
    return this.writing;
  }

  async mayWrite(_: Repository, login: string): Promise<boolean> {
    return this.scene.writers.has(login);
  }

  async commit(_: Repository, change: Parameters<CommitWriter["commit"]>[1]): Promise<string> {
    const { branch, isNew, on, files } = change;
    const refusal = this.refusals.get(branch);
    if (refusal !== undefined) throw new WriteRefused(refusal, "refused");
    const tip = await this.readBranch(_, branch);
    if (isNew ? tip !== undefined : tip !== on) throw new WriteRefused("moved-on", "it is elsewhere");
    const letter = String(this.commits.push(change));
    const id = letter.repeat(40);
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    const after = Object.fromEntries(files.map(({ path, bytes }) => [path, decoder.decode(bytes)]));
    const all = { ...this.scene.files.get(on), ...after };
    this.scene.files.set(id, all);
    this.branches.set(branch, id);
    for (const pull of [...this.scene.pulls.values()]) {
      if (pull.head.branch !== branch || pull.head.repository?.id !== REPOSITORY.id) continue;
      this.scene.push(pull.number, letter, all);
      this.scene.deliveries.push({ kind: "pull-changed", repository: REPOSITORY, number: pull.number });
    }
    return id;
  }

  async readBranch(_: Repository, branch: string): Promise<string | undefined> {
    const pull = [...this.scene.pulls.values()].find(
      ({ head }) => head.branch === branch && head.repository?.id === REPOSITORY.id,
    );
    return this.branches.get(branch) ?? pull?.head.commit;
  }

  async deleteBranch(): Promise<void> {
    throw new Error("nobody deletes a branch here");
  }

  async open(_: Repository, pull: Parameters<PullRequestWriter["open"]>[1]): Promise<number> {
    if (
      !pull.branch.startsWith(OUR_BRANCHES) ||
      this.opened.some(({ branch, isOpen }) => isOpen && branch === pull.branch)
    )
      throw new WriteRefused("moved-on", "a pull request already exists");
    return 100 + this.opened.push({ ...pull, isOpen: true });
  }

  async findFromBranch(_: Repository, branch: string): Promise<PullRequest | undefined> {
    const index = this.opened.findLastIndex((each) => each.branch === branch);
    const like = this.scene.pulls.get(1);
    const found = this.opened[index];
    return found && like && { ...like, number: 101 + index, isOpen: found.isOpen };
  }

  async update(): Promise<void> {
    throw new Error("nobody changes a pull request here");
  }

  async suggest(_: Repository, number: number, review: Suggested): Promise<void> {
    if (review.commit !== this.scene.pulls.get(number)?.head.commit) throw new WriteRefused("invalid", "another head");
    if (!review.suggestions.every(({ path }) => this.isShown(path))) throw new WriteRefused("invalid", "not shown");
    this.suggested.push(review);
  }

  async hasReview(_: Repository, __: number, { commit, mark }: Parameters<PullReviews["hasReview"]>[2]) {
    return this.suggested.some((review) => review.commit === commit && review.body.includes(mark));
  }
}
