import { z } from "zod";
import type { OpenPulls } from "../change/ports.ts";
import { ask, type Clients, PAGE } from "./ask.ts";
import { pullAnswer, pullRequestOf } from "./pull-requests.ts";
import { fullName } from "./repository.ts";

/** Lists open pull requests, those that changed last first: one page, since older ones have had their events long ago. */
export function createOpenPulls({ octokitFor }: Pick<Clients, "octokitFor">): OpenPulls {
  return {
    async listOpenPulls(repository) {
      const octokit = await octokitFor(repository.installation);
      const name = fullName(repository);
      const question = {
        asked: `for the open pull requests of ${name}`,
        repository: name,
        needs: "pull_requests: read",
      };
      const page = await ask(question, z.array(pullAnswer), (request) =>
        octokit.rest.pulls.list({
          owner: repository.owner,
          repo: repository.name,
          state: "open",
          sort: "updated",
          direction: "desc",
          per_page: PAGE,
          request,
        }),
      );
      // A name can have a new owner (RULES R8).
      const own = page.filter(
        ({ base }) => base.repo.id === repository.id && base.repo.owner.id === repository.ownerId,
      );
      return own.map(pullRequestOf).map(({ number, head, base }) => ({ number, head: head.commit, base: base.branch }));
    },
  };
}
