import { z } from "zod";
import type { Installations } from "../build/ports.ts";
import { askPages, type Clients, PAGE } from "./ask.ts";
import { repositoryAnswer } from "./repository.ts";

const installations = z.array(
  z.object({
    id: z.int().positive(),
    /** Enterprises have no login, and no repositories. */
    account: z.object({ id: z.int().positive(), login: z.string().optional() }).nullable(),
    suspended_at: z.string().nullable(),
  }),
);

const repositories = z.object({ repositories: z.array(repositoryAnswer) }).transform((answer) => answer.repositories);

/** Lists the app's installations and what they reach. */
export function createInstallations({ octokitFor, appOctokit }: Clients): Installations {
  return {
    async listInstallations() {
      const app = await appOctokit();
      const all = await askPages({ asked: "for the app's installations" }, installations, (page, request) =>
        app.rest.apps.listInstallations({ per_page: PAGE, page, request }),
      );
      return all.flatMap(({ id, account, suspended_at }) =>
        account?.login === undefined
          ? []
          : [{ id, ownerId: account.id, owner: account.login, isSuspended: suspended_at !== null }],
      );
    },
    async listRepositories(installation) {
      const octokit = await octokitFor(installation);
      const question = { asked: `for the repositories of the installation ${installation}` };
      const all = await askPages(question, repositories, (page, request) =>
        octokit.rest.apps.listReposAccessibleToInstallation({ per_page: PAGE, page, request }),
      );
      return all.map(({ id, name, owner, private: isPrivate }) => ({
        id,
        ownerId: owner.id,
        owner: owner.login,
        name,
        installation,
        isPrivate,
      }));
    },
  };
}
