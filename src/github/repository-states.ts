import { z } from "zod";
import type { RepositoryStates } from "../change/proposal-ports.ts";
import { ask, type Clients } from "./ask.ts";
import { readBranch } from "./contents.ts";
import { fullName, proveRepository } from "./repository.ts";

const answer = z.object({ archived: z.boolean(), fork: z.boolean() });

/** Reads what a repository is, beside the proof that it is the one with the number. */
export function createRepositoryStates({ octokitFor }: Pick<Clients, "octokitFor">): RepositoryStates {
  return {
    async readState(repository) {
      const octokit = await octokitFor(repository.installation);
      const name = fullName(repository);
      const { defaultBranch } = await proveRepository(octokit, repository);
      const question = { asked: `for what ${name} is`, repository: name, needs: "metadata: read" };
      const { archived, fork } = await ask(question, answer, (request) =>
        octokit.rest.repos.get({ owner: repository.owner, repo: repository.name, request }),
      );
      const head = await readBranch(octokit, repository, defaultBranch);
      return { defaultBranch, head: head?.commit, isArchived: archived, isFork: fork };
    },
  };
}
