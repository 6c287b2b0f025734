import { z } from "zod";
import type { Permissions } from "../change/ports.ts";
import { absentOn, ask, type Clients } from "./ask.ts";
import { GitHubError, quote } from "./error.ts";
import { fullName, proveRepository } from "./repository.ts";

/** A name of a person or an app, as GitHub gives them: dots and slashes would lead to another question. */
const LOGIN = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}(?:\[bot\])?$/;

const level = z.string().optional();

const installation = z.object({
  account: z.object({ id: z.int() }).nullable(),
  permissions: z.object({ contents: level, pull_requests: level, workflows: level }),
  suspended_at: z.string().nullable(),
});

/** `maintain` and roles of the owner's own making are told as one of the four that there were first. */
const collaborator = z.object({ permission: z.string(), user: z.object({ login: z.string() }).nullable() });

const WRITERS = new Set(["admin", "maintain", "write"]);

/** Asks GitHub what the app was given, and what people may do. */
export function createPermissions({ octokitFor, appOctokit }: Clients): Permissions {
  return {
    async readWriting(repository) {
      const app = await appOctokit();
      const question = { asked: `for the app's permissions at ${repository.owner}` };
      const { account, permissions, suspended_at } = await ask(question, installation, (request) =>
        app.rest.apps.getInstallation({ installation_id: repository.installation, request }),
      );
      if (account?.id !== repository.ownerId || suspended_at !== null) {
        const why = suspended_at === null ? "the installation is another owner's now" : "the app is suspended there";
        throw new GitHubError("credentials-refused", `asked GitHub ${question.asked}: ${why}; ask the owner`);
      }
      return {
        contents: permissions.contents === "write",
        pullRequests: permissions.pull_requests === "write",
        workflows: permissions.workflows === "write",
      };
    },
    async mayWrite(repository, login) {
      if (!LOGIN.test(login)) return false;
      const octokit = await octokitFor(repository.installation);
      const name = fullName(repository);
      const asked = `what ${login} may do in ${name}`;
      // Both at once: a name's new owner would say who may write to theirs.
      const [, found] = await Promise.all([
        proveRepository(octokit, repository),
        absentOn(
          [404],
          ask({ asked, repository: name, needs: "metadata: read" }, collaborator, (request) =>
            octokit.rest.repos.getCollaboratorPermissionLevel({
              owner: repository.owner,
              repo: repository.name,
              username: login,
              request,
            }),
          ),
        ),
      ]);
      if (found === undefined) return false;
      if (found.user?.login.toLowerCase() !== login.toLowerCase()) {
        const other = quote(found.user?.login ?? "nobody");
        throw new GitHubError("server-error", `asked GitHub ${asked}: it told about ${other}; try again later`);
      }
      return WRITERS.has(found.permission);
    },
  };
}
