import { z } from "zod";
import type { Repository } from "../build/build.ts";
import { type PullRequestWriter, WriteRefused } from "../change/ports.ts";
import { askPages, PAGE } from "./ask.ts";
import { isBranchName } from "./branch-name.ts";
import { GitHubError, type Question } from "./error.ts";
import { pullAnswer, pullRequestOf } from "./pull-requests.ts";
import { fullName, proveRepository } from "./repository.ts";
import { reviewComment } from "./suggestion.ts";
import { reserve, type WriterOptions, write } from "./writing.ts";

/** Longest title, in characters: GitHub takes no longer one. */
const MAX_TITLE_LENGTH = 256;

/** Longest body of a pull request, or of a review, in UTF-8 bytes; GitHub says characters, and only the smaller of the two is sure. */
const MAX_BODY_BYTES = 65_536;

/** Most suggestions of one review: more nobody reads. */
const MAX_SUGGESTIONS = 50;

const review = z.object({ id: z.int().positive(), commit_id: z.string().nullable() });

/** Writes pull requests from branches of the repository that they are made to. */
export function createPullRequestWriter(options: WriterOptions): PullRequestWriter {
  /** Makes sure whose repository it is, and that there is a slot, before anything is written. */
  const prepare = async (repository: Repository, question: Question) => {
    const octokit = await options.octokitFor(repository.installation);
    await proveRepository(octokit, repository);
    await reserve(options, repository, question, 1);
    return octokit;
  };
  return {
    async open(repository, { branch, base, title, body }) {
      const question = about(`to open a pull request from ${branch} of ${fullName(repository)}`, repository);
      for (const name of [branch, base]) if (!isBranchName(name)) throw invalid(question, "one of them is no branch");
      checkWords(question, title, body);
      const octokit = await prepare(repository, question);
      const opened = await write(options, repository, question, pullAnswer, (request) =>
        octokit.rest.pulls.create({ ...at(repository), head: branch, base, title, body, request }),
      );
      const { head } = opened;
      if (head.ref !== branch || head.repo?.id !== repository.id || opened.base.ref !== base)
        throw new GitHubError("server-error", `asked GitHub ${question.asked}: it told about another one; look for it`);
      return opened.number;
    },
    async findFromBranch(repository, branch) {
      if (!isBranchName(branch)) return undefined;
      const question = about(`for the pull requests from ${branch} of ${fullName(repository)}`, repository, "read");
      const octokit = await options.octokitFor(repository.installation);
      const [, all] = await Promise.all([
        proveRepository(octokit, repository),
        askPages(question, z.array(pullAnswer), (page, request) =>
          octokit.rest.pulls.list({
            ...at(repository),
            state: "all",
            head: `${repository.owner}:${branch}`,
            per_page: PAGE,
            page,
            request,
          }),
        ),
      ]);
      // A filter that GitHub doesn't understand it leaves out; and an owner may have a fork of their own repository.
      const found = all
        .filter(
          ({ head, base }) => head.ref === branch && head.repo?.id === repository.id && base.repo.id === repository.id,
        )
        .sort((one, other) => other.number - one.number)[0];
      return found && pullRequestOf(found);
    },
    async update(repository, number, { title, body }) {
      const question = about(`to change the pull request ${number} of ${fullName(repository)}`, repository);
      checkWords(question, title, body);
      const octokit = await prepare(repository, question);
      await write(options, repository, question, pullAnswer, (request) =>
        octokit.rest.pulls.update({ ...at(repository), pull_number: number, title, body, request }),
      );
    },
    async suggest(repository, number, { commit, body, suggestions }) {
      const question = about(`to suggest lines on the pull request ${number} of ${fullName(repository)}`, repository);
      if (suggestions.length === 0 || suggestions.length > MAX_SUGGESTIONS)
        throw invalid(question, `a review has between 1 and ${MAX_SUGGESTIONS} suggestions`);
      const comments = suggestions.map(reviewComment);
      for (const words of [body, ...comments.map((each) => each.body)]) checkBody(question, words);
      const octokit = await prepare(repository, question);
      await write(options, repository, question, review, (request) =>
        octokit.rest.pulls.createReview({
          ...at(repository),
          pull_number: number,
          // Without it the lines would be those of whatever head there is by then.
          commit_id: commit,
          event: "COMMENT",
          body,
          comments,
          request,
        }),
      );
    },
  };
}

function checkWords(question: Question, title: string, body: string): void {
  if (title.trim() === "" || title.length > MAX_TITLE_LENGTH || /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(title))
    throw invalid(question, `a title is one line of at most ${MAX_TITLE_LENGTH} characters`);
  checkBody(question, body);
}

function checkBody(question: Question, body: string): void {
  if (Buffer.byteLength(body) > MAX_BODY_BYTES) throw invalid(question, `a text has at most ${MAX_BODY_BYTES} bytes`);
}

function invalid({ asked }: Question, why: string): WriteRefused {
  return new WriteRefused("invalid", `wanted to ask GitHub ${asked}: ${why}`);
}

function at({ owner, name }: Repository) {
  return { owner, repo: name };
}

function about(asked: string, repository: Repository, level: "read" | "write" = "write"): Question {
  return { asked, repository: fullName(repository), needs: `pull_requests: ${level}` };
}
