import { z } from "zod";
import type { PullReviews } from "../change/pull-pins-ports.ts";
import { askPages, type Clients, PAGE } from "./ask.ts";
import { fullName, proveRepository } from "./repository.ts";
import { objectId } from "./tags.ts";

const reviews = z.array(
  z.object({
    user: z.object({ type: z.string() }).nullable(),
    body: z.string(),
    commit_id: objectId.nullable(),
  }),
);

/** Reads reviews of pull requests. That a person repeats a mark of ours counts for nothing; another bot may, and only keeps us from saying it twice. */
export function createPullReviews({ octokitFor }: Pick<Clients, "octokitFor">): PullReviews {
  return {
    async hasReview(repository, number, { commit, mark }) {
      const octokit = await octokitFor(repository.installation);
      const name = fullName(repository);
      const question = {
        asked: `for the reviews of the pull request ${number} of ${name}`,
        repository: name,
        needs: "pull_requests: read",
      };
      const [, all] = await Promise.all([
        proveRepository(octokit, repository),
        askPages(question, reviews, (page, request) =>
          octokit.rest.pulls.listReviews({
            owner: repository.owner,
            repo: repository.name,
            pull_number: number,
            per_page: PAGE,
            page,
            request,
          }),
        ),
      ]);
      return all.some(
        ({ user, body, commit_id }) => user?.type === "Bot" && commit_id === commit && body.includes(mark),
      );
    },
  };
}
