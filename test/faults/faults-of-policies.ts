import { FACTS } from "./ancestry.ts";
import { put } from "./document.ts";
import { REQUEST } from "./faults-of-provenance.ts";
import type { Fault } from "./mutation.ts";

/** The good ancestry, and a policy that doesn't want it. */
function policy(
  rule: string,
  what: string,
  cause: string,
  kind: string,
  code: string,
  change: NonNullable<Fault["policy"]>,
  more: Partial<Fault> = {},
): Fault {
  return {
    rule,
    what,
    gain: "Somebody whom the asker doesn't believe any more, or never did, decides what runs.",
    cause,
    policy: change,
    node: "base",
    kind,
    code,
    ...more,
  };
}

const roots = (image: string, expires: string) =>
  `  roots:\n    - { image: "${image}", reason: looked at it, expires: ${expires} }\n`;
const revoked = (entry: string) => `  revoked:\n    - { ${entry}, reason: it leaked }\n`;

/** Mutations of what the asker accepts. */
export const FAULTS_OF_POLICIES: readonly Fault[] = [
  policy("R4", "policy names nobody for the base's name", "no-builder", "refused", "no-builder", (text) =>
    text.replace("/*/base", "/*/other"),
  ),
  policy("R4", "policy wants another source for the base", "source", "refused", "source-repository", (text) =>
    text
      .replace("repository: acme/base", "repository: acme/elsewhere")
      .replace(/repository-id: \d+/, "repository-id: 1"),
  ),
  policy("R7", "policy wants another workflow for the base", "workflow", "refused", "workflow", (text) =>
    text.replace("build.yml@refs/tags/v*", "build.yml@refs/tags/v2*"),
  ),
  policy("R7", "policy pins another commit of the builder", "builder-commit", "refused", "builder-moved", (text) =>
    text.replace("b".repeat(40), "c".repeat(40)),
  ),
  policy("R6", "policy wants self-hosted runners", "runner", "refused", "runner", (text) =>
    text.replace("workflow-digest", "runner: self-hosted\n        workflow-digest"),
  ),
  policy(
    "R27",
    "policy revokes the base's index",
    "revoked",
    "revoked",
    "revoked",
    (text, { images }) => text + revoked(`digest: "${images.base.index.digest}"`),
  ),
  policy(
    "R27",
    "policy revokes the base's platform manifest",
    "revoked",
    "revoked",
    "revoked",
    (text, { images }) => text + revoked(`digest: "${images.base.manifest.digest}"`),
  ),
  policy(
    "R27",
    "policy revokes the commit that the base was built from",
    "revoked",
    "revoked",
    "revoked",
    (text) => text + revoked(`commit: "${FACTS.base.commit}"`),
  ),
  policy(
    "R12",
    "policy revokes the builder since before it signed",
    "revoked",
    "revoked",
    "revoked",
    (text) => text + revoked('identity: "https://github.com/acme/builder/**@refs/tags/v1.2.3", from: "2020-01-01"'),
    { node: "app" },
  ),
  policy(
    "R27",
    "policy names the base as a root and revokes it too",
    "revoked",
    "revoked",
    "revoked",
    (text, { images: { base } }) =>
      `${text}${roots(`${base.repository}@${base.index.digest}`, "2099-01-01")}${revoked(`digest: "${base.index.digest}"`)}`,
  ),
  policy(
    "R27",
    "the root that stood in for an unsigned base has expired",
    "root-expired",
    "opaque",
    "root-expired",
    (text, { images: { base } }) => text + roots(`${base.repository}@${base.index.digest}`, "2020-01-01"),
    { spoil: { base: { attached: false } }, gain: "What was looked at once counts for ever." },
  ),
  policy(
    "R27",
    "a root stands in for a base whose config contradicts its index",
    "platform",
    "mismatch",
    "platform-mismatch",
    (text, { images: { base } }) => text + roots(`${base.repository}@${base.index.digest}`, "2099-01-01"),
    {
      spoil: { base: { config: (config) => put(config, ["architecture"], "arm64") } },
      gain: "A root would make bytes safe that tools read in two ways.",
    },
  ),
  policy(
    "R30",
    "policy judges another platform than the image is for",
    "absent-platform",
    "attested",
    "platform-not-found",
    (text) => `${text}  platforms: [linux/s390x]\n`,
    { node: "app", gain: "Nothing to judge, and so no fault, would be a pass." },
  ),
  policy(
    "R19",
    "policy wants inputs pinned, and the app's is named by tag alone",
    "not-pinned",
    "unresolved",
    "not-pinned",
    (text) => `${text}  roles: { inputs: pinned }\n`,
    { gain: "A tag that moves brings in another image at the next build." },
  ),
  policy(
    "R9",
    "the app was built from another Dockerfile than policy says",
    "parameters",
    "refused",
    "parameters",
    (text, { images }) => `${text}builds:\n  - { image: "${images.app.repository}", dockerfile: docker/Dockerfile }\n`,
    { node: "app" },
  ),
  policy(
    "R9",
    "the app was built with an argument that policy doesn't name",
    "parameters",
    "refused",
    "parameters",
    (text, { images }) => `${text}builds:\n  - image: "${images.app.repository}"\n`,
    {
      node: "app",
      spoil: {
        app: { provenance: (statement) => put(statement, [...REQUEST, "args"], { "build-arg:MODE": "debug" }) },
      },
    },
  ),
  policy(
    "R9",
    "the app was built with a parameter that nobody knows",
    "unknown-parameter",
    "refused",
    "unknown-parameter",
    (text, { images }) => `${text}builds:\n  - image: "${images.app.repository}"\n`,
    {
      node: "app",
      spoil: { app: { provenance: (statement) => put(statement, [...REQUEST, "args"], { magic: "1" }) } },
    },
  ),
  policy(
    "R9",
    "the app was built from a tag that policy doesn't build from",
    "ref",
    "refused",
    "ref",
    (text, { images }) => `${text}builds:\n  - { image: "${images.app.repository}", tags: ["release-*"] }\n`,
    { node: "app" },
  ),
];
