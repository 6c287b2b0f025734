import { FACTS, INDEX, makeImage } from "../faults/ancestry.ts";
import { type Document, put } from "../faults/document.ts";
import type { OciRegistry } from "../world/oci-registry.ts";
import type { Work } from "../world/runner.ts";
import type { Sigstore } from "../world/sigstore.ts";

/** The image that is made, and so the repository's name. */
export const IMAGE = "base";

/** Where it is pushed to, and who signs. */
export interface Workshop {
  readonly registry: OciRegistry;
  readonly sigstore: Sigstore;
  readonly namespace: string;
  /** The GitHub server, as certificates name it. */
  readonly server: string;
}

/**
 * Does a run's work in this process and in a moment: makes an image that no other build has, with provenance that is signed as that
 * run, and moves the tags last.
 *
 * @returns the digest under the tags.
 */
export async function pushSignedImage(workshop: Workshop, { job, claims }: Work): Promise<string> {
  const { registry, sigstore, namespace, server } = workshop;
  const { run, commit, inputs } = job;
  // The image is the one of the tests of faults, as this run builds it.
  const ofThisRun = (statement: Document): Document =>
    JSON.parse(
      JSON.stringify(statement)
        .replaceAll(`https://github.com/acme/${IMAGE}`, `${server}/acme/${IMAGE}`)
        .replaceAll(`/runs/${FACTS[IMAGE].run}/attempts/1`, `/runs/${run.id}/attempts/${run.attempt}`)
        .replaceAll(FACTS[IMAGE].commit, commit),
    );
  const signer: Sigstore = { ...sigstore, sign: (payload, _, options) => sigstore.sign(payload, claims, options) };
  const { index, path } = await makeImage(
    { registry, namespace, sigstore, stranger: sigstore },
    IMAGE,
    {},
    {
      config: (config) => put(config, ["config", "Labels"], { build: inputs["build-id"] }),
      provenance: ofThisRun,
      signer: () => signer,
    },
  );
  const { tags } = JSON.parse(inputs.request ?? "") as { readonly tags: readonly string[] };
  for (const tag of tags) registry.putManifest(path, index.bytes, INDEX, tag);
  return index.digest;
}
