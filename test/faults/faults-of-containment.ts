import type { Spoil } from "./ancestry.ts";
import { bytesOf, type Document, put, putAll } from "./document.ts";
import { BUILDER_ID, SOURCE } from "./faults-of-provenance.ts";
import type { Fault } from "./mutation.ts";

/** The app signed by its index alone: the provenance inside is the signer's word, or it isn't (RULES R11). */
function inside(what: string, app: Spoil, code = "containment", more: Partial<Fault> = {}): Fault {
  return {
    rule: "R11",
    what,
    gain: "Whoever can have an index signed puts provenance of his own making inside.",
    cause: "containment",
    spoil: { app: { signs: "index", ...app } },
    node: "app",
    kind: "opaque",
    code,
    ...more,
  };
}

/** Mutations of unsigned provenance inside a signed index. The positive is among the harmless ones. */
export const FAULTS_OF_CONTAINMENT: readonly Fault[] = [
  inside("the provenance inside the signed index names another run", {
    contained: (statement) => put(statement, BUILDER_ID, (id: string) => id.replace("/runs/103/", "/runs/666/")),
  }),
  inside("the provenance inside the signed index names another attempt of the run", {
    contained: (statement) => put(statement, BUILDER_ID, (id: string) => id.replace("attempts/1", "attempts/2")),
  }),
  inside("the provenance inside the signed index names a builder that is no run", {
    contained: (statement) => put(statement, BUILDER_ID, "https://example.com/my-machine"),
  }),
  inside("the provenance inside the signed index was built from another commit", {
    contained: (statement) =>
      putAll(statement, [
        [[...SOURCE, "uri"], (uri: string) => uri.replaceAll("3", "9")],
        [[...SOURCE, "digest", "sha1"], "9".repeat(40)],
      ]),
  }),
  inside("the provenance inside the signed index has nothing that ties it to the run", {
    contained: (statement) =>
      putAll(statement, [
        [BUILDER_ID, ""],
        [SOURCE, { path: "Dockerfile" }],
      ]),
  }),
  inside(
    "the provenance inside the signed index is about another image",
    { contained: (statement) => put(statement, ["subject", 0, "digest", "sha256"], "0".repeat(64)) },
    "parents-unrecorded",
    { cause: "unrecorded" },
  ),
  inside("the signed index has no provenance inside", { inIndex: false }, "parents-unrecorded", {
    cause: "unrecorded",
  }),
  inside("policy doesn't say that the signer of the index builds", {}, "containment", {
    policy: (text) => text.replaceAll("builds: true", "builds: false"),
  }),
  {
    ...inside("the provenance inside the index was changed after the index was signed", {}, "unattested"),
    gain: "Whoever can push writes the provenance himself.",
    cause: "nothing-signed",
    kind: "unattested",
    after: ({ registry, images: { app } }) => {
      const index = JSON.parse(app.index.bytes.toString()) as Document;
      registry.putManifest(
        app.path,
        bytesOf(put(index, ["manifests", 1, "annotations", "note"], "changed")),
        String(index.mediaType),
        "1.0.0",
      );
    },
    fresh: "app",
  },
  inside("a second provenance inside the signed index names another run", {
    containedToo: (statement) => put(statement, BUILDER_ID, (id: string) => id.replace("/runs/103/", "/runs/666/")),
  }),
];
