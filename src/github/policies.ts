import { z } from "zod";
import type { Repository } from "../build/build.ts";
import { POLICY_PLACES, type PolicyReader, type PolicyText } from "../build/ports.ts";
import { PolicyError } from "../trust/policy-fault.ts";
import { absentOn, ask, askPages, type Clients, type GitHubClient, PAGE } from "./ask.ts";
import { readBranch, readContent } from "./contents.ts";
import { GitHubError, quote } from "./error.ts";
import { findForSure } from "./installation-coverage.ts";
import { fullName, proveRepository, repositoryAnswer } from "./repository.ts";

/** Largest policy, in bytes (DESIGN §7). */
const MAX_POLICY_BYTES = 256 * 1024;

const {
  repository: { path: REPOSITORY_POLICY },
  organisation: { path: ORGANISATION_POLICY, repository: ORGANISATION_REPOSITORY = ".github" },
} = POLICY_PLACES;

/** Where policies are read, and how they are named. */
export interface PolicyReaderOptions extends Clients {
  /** The GitHub server that people see, `https://github.com`: part of a policy's uri. */
  readonly serverUrl: string;
}

/** Reads policies at the commit that the default branch has now, and says which one that was. */
export function createPolicyReader({ octokitFor, appOctokit, serverUrl }: PolicyReaderOptions): PolicyReader {
  const server = serverUrl.replace(/\/+$/, "");
  return {
    async readRepositoryPolicy(repository) {
      const octokit = await octokitFor(repository.installation);
      const { defaultBranch } = await proveRepository(octokit, repository);
      const source = { owner: repository.owner, name: repository.name, branch: defaultBranch };
      return readPolicy(octokit, "repository", source, REPOSITORY_POLICY, server);
    },
    async readOrganisationPolicy(repository) {
      const narrow = await octokitFor(repository.installation);
      const known = await readHome(narrow, repository);
      if (known !== undefined) return readPolicy(narrow, "organisation", known, ORGANISATION_POLICY, server);
      const home = `${repository.owner}/${ORGANISATION_REPOSITORY}`;
      const found = await findForSure({ appOctokit }, repository, home, async (octokit) => {
        const source = await readHome(octokit, repository);
        return source && { source, octokit };
      });
      return found && readPolicy(found.octokit, "organisation", found.source, ORGANISATION_POLICY, server);
    },
  };
}

/** Where a policy is: the branch whose head counts. */
interface Source {
  readonly owner: string;
  readonly name: string;
  readonly branch: string;
}

/** The owner's repository `.github`; undefined if GitHub says that there is none, or hides it. */
async function readHome(octokit: GitHubClient, { owner, ownerId }: Repository): Promise<Source | undefined> {
  const source = { owner, name: ORGANISATION_REPOSITORY };
  const name = fullName(source);
  const answer = await absentOn(
    [404],
    ask(
      { asked: `for the repository ${name}`, repository: name, needs: "contents: read" },
      repositoryAnswer,
      (request) => octokit.rest.repos.get({ owner, repo: source.name, request }),
    ),
  );
  if (answer === undefined) return undefined;
  // GitHub leads on to where a repository went, and a name can have a new owner.
  if (answer.owner.id !== ownerId || answer.name.toLowerCase() !== ORGANISATION_REPOSITORY) {
    throw new GitHubError(
      "not-found-unproven",
      `asked GitHub for the repository ${name} of the owner with the id ${ownerId}: it told about ${quote(fullName({ owner: answer.owner.login, name: answer.name }))} of the owner with the id ${answer.owner.id}; create ${name}, and give the app access to it`,
    );
  }
  return { ...source, branch: answer.default_branch };
}

async function readPolicy(
  octokit: GitHubClient,
  kind: PolicyText["kind"],
  source: Source,
  path: string,
  server: string,
): Promise<PolicyText | undefined> {
  const branch = await readBranch(octokit, source, source.branch);
  if (branch === undefined) return undefined;
  const { commit } = branch;
  const name = `${fullName(source)}/${path}`;
  const content = await readContent(octokit, source, commit, path, MAX_POLICY_BYTES);
  if (content === undefined) return undefined;
  if (content.kind !== "file") {
    const message = `it is no file but of the type "${quote(content.type)}" at ${commit}; a policy must be a file of its own: replace it`;
    throw new PolicyError(name, [{ line: 1, column: 1, path: "", message }]);
  }
  return {
    kind,
    bytes: content.bytes,
    name,
    uri: `git+${server}/${fullName(source)}@${commit}#${path}`,
    commit,
    isProtected: await asksForReviews(octokit, source, branch.isProtected),
  };
}

const rule = z.object({
  type: z.string(),
  parameters: z.looseObject({ required_approving_review_count: z.int().optional() }).optional(),
});

/**
 * Whether rules of the branch let only reviewed pull requests in. Rules can be seen with the permission to read; not who may bypass
 * them, and not what classic branch protection asks for: that it is there says nothing of reviews, and that nothing was seen isn't that
 * nothing is there.
 */
async function asksForReviews(
  octokit: GitHubClient,
  source: Source,
  isProtectedSomehow: boolean,
): Promise<PolicyText["isProtected"]> {
  const { owner, name: repo, branch } = source;
  const name = fullName(source);
  try {
    const rules = await askPages(
      { asked: `for the rules of the branch ${branch} of ${name}`, repository: name, needs: "metadata: read" },
      z.array(rule),
      (page, request) => octokit.rest.repos.getBranchRules({ owner, repo, branch, per_page: PAGE, page, request }),
    );
    const asked = rules.some(
      ({ type, parameters }) => type === "pull_request" && (parameters?.required_approving_review_count ?? 0) >= 1,
    );
    return asked || (isProtectedSomehow ? "unknown" : false);
  } catch (error) {
    // Plans and older servers without rules answer so. The policy counts all the same.
    if (error instanceof GitHubError && error.code !== "rate-limited" && [403, 404].includes(error.status ?? 0))
      return "unknown";
    throw error;
  }
}
