import { z } from "zod";
import { exchange, type GitHubClient, parsed } from "./ask.ts";
import { GitHubError } from "./error.ts";

const shown = z.object({ id: z.int(), private: z.boolean() });

/**
 * The repository of a number, which no rename and no transfer changes (RULES R8).
 *
 * @throws {GitHubError} also for a way elsewhere, which isn't gone: a token would go along.
 */
export async function readNumbered(octokit: GitHubClient, id: string): Promise<z.output<typeof shown>> {
  const question = { asked: "for a repository by its number" };
  const answer = await exchange(question, (request) =>
    octokit.request("GET /repositories/{repository_id}", {
      repository_id: id,
      request: { ...request, redirect: "manual" },
    }),
  );
  const { status } = answer;
  if (status !== 200)
    throw new GitHubError("server-error", `asked GitHub ${question.asked}: ${status}, which shows none`, { status });
  return parsed(question, shown, answer.data);
}
