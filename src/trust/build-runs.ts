import { claimsOf, signerName } from "../attestation/identity.ts";
import { parseRunUri, repositoryPath } from "./repository-uri.ts";
import type { Verdict } from "./verdict.ts";

/** The run of a workflow that an image comes from, by the certificate of a statement that policy accepts. */
export interface BuildRun {
  /** `https://github.com` */
  readonly server: string;
  /** owner/repository, in lower case. */
  readonly repository: string;
  readonly run: number;
  readonly attempt: number;
  /** The run's page. */
  readonly url: string;
  readonly commit: string;
  readonly ref: string | undefined;
  /** The workflow that built, with its ref. */
  readonly builder: string;
  /** Where in the policy it is accepted. */
  readonly acceptedBy: string;
}

/** The runs of the image asked about, each once. Nothing is said of what it is built from: their runs are theirs. */
export function buildRunsOf({ nodes, platforms }: Verdict): readonly BuildRun[] {
  const asked = new Set(platforms.map(({ node }) => node));
  const runs = nodes.flatMap(({ id, accepted }) =>
    accepted.flatMap(({ found, acceptance }): readonly BuildRun[] => {
      const { identity } = found.verified;
      const { sourceRepositoryUri: source, runInvocationUri: uri, ...claims } = claimsOf(identity);
      if (!asked.has(id) || source === undefined || uri === undefined || claims.sourceRepositoryDigest === undefined)
        return [];
      const server = /^https:\/\/[a-z0-9.-]+(?=\/)/i.exec(source)?.[0];
      const read = server === undefined ? undefined : parseRunUri(uri, server);
      // The run of a called workflow is the caller's; any other repository's run says nothing of this build (RULES R9).
      if (server === undefined || read?.repository !== repositoryPath(source, server) || read === undefined) return [];
      const [run, attempt] = [Number(read.run), Number(read.attempt ?? "1")];
      if (!Number.isSafeInteger(run) || !Number.isSafeInteger(attempt)) return [];
      return [
        {
          ...{ server, repository: read.repository, run, attempt, url: uri },
          commit: claims.sourceRepositoryDigest,
          ref: claims.sourceRepositoryRef,
          builder: claims.buildSignerUri ?? signerName(identity),
          acceptedBy: acceptance.builder.path,
        },
      ];
    }),
  );
  return [...new Map(runs.map((each) => [`${each.url} ${each.commit}`, each])).values()];
}
