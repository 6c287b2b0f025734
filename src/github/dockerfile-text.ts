import type { DockerfileReader } from "../answer/dockerfiles.ts";
import { CouldNotLook } from "../trust/ports.ts";
import { repositoryPath } from "../trust/repository-uri.ts";
import type { GitHubClient } from "./ask.ts";
import { createSourceReader } from "./source-files.ts";

/**
 * Reads Dockerfiles out of a GitHub server's repositories, with the rights of one client.
 *
 * @param octokit - Whose rights are what everyone has, where everyone will be told; never kept for another.
 * @param server - Its URL, without a slash at the end. What is on another isn't asked for: certificates name any.
 */
export function createDockerfileReader({
  octokit,
  server,
}: {
  readonly octokit: () => Promise<GitHubClient>;
  readonly server: string;
}): DockerfileReader {
  const sources = createSourceReader({ octokitFor: octokit });
  return {
    async readDockerfile({ repository, repositoryId, commit, path }, limit) {
      const [owner, name] = repositoryPath(repository, server)?.split("/") ?? [];
      if (owner === undefined || name === undefined)
        throw new CouldNotLook("address-refused", `read ${path} of ${repository}: it isn't on ${server}`);
      // The numbers only tell what was read apart, within this one reader.
      const at = { id: Number(repositoryId ?? 0), ownerId: 0, owner, name, installation: 0, isPrivate: false };
      return sources.readFile(at, commit, path, limit);
    },
  };
}
