import { algorithmOf, type Digest, hexOf } from "../../src/image/digest.ts";
import { PROVENANCE_TYPE } from "./built-image.ts";
import type { TokenClaims } from "./identity-token.ts";

/** @see actions/buildtypes, workflow v1 */
const BUILD_TYPE = "https://actions.github.io/buildtypes/workflow/v1";

/** An image whose making a workflow states. */
export interface StatedImage {
  /** registry/repository */
  readonly name: string;
  readonly index: Digest;
}

/**
 * The statement over the index: which workflow made it, field by field as `actions/attest-build-provenance` writes it, so that whoever
 * verifies that finds what it knows. It names no parents; those are in BuildKit's own provenance, which it covers by the index.
 *
 * @param runUrl - The attempt's page.
 */
export function workflowStatement(
  image: StatedImage,
  claims: TokenClaims,
  serverUrl: string,
  runUrl: string,
): Uint8Array {
  const repository = `${serverUrl}/${claims.repository}`;
  const [path = "", ...ref] = claims.workflowRef.replace(`${claims.repository}/`, "").split("@");
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: image.name, digest: { [algorithmOf(image.index)]: hexOf(image.index) } }],
    predicateType: PROVENANCE_TYPE,
    predicate: {
      buildDefinition: {
        buildType: BUILD_TYPE,
        externalParameters: { workflow: { ref: ref.join("@"), repository, path } },
        internalParameters: {
          github: {
            event_name: claims.eventName,
            repository_id: claims.repositoryId,
            repository_owner_id: claims.repositoryOwnerId,
            runner_environment: claims.runnerEnvironment,
          },
        },
        resolvedDependencies: [{ uri: `git+${repository}@${claims.ref}`, digest: { gitCommit: claims.sha } }],
      },
      runDetails: {
        builder: { id: `${serverUrl}/${claims.jobWorkflowRef}` },
        metadata: { invocationId: runUrl },
      },
    },
  };
  return Buffer.from(JSON.stringify(statement));
}
