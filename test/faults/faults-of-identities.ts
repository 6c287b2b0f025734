import type { CertificateExtensions, GithubRun } from "../world/github-claims.ts";
import { BUILDER, FACTS, type Spoil } from "./ancestry.ts";
import type { Fault } from "./mutation.ts";

/** The base, signed by somebody else than policy names. */
function refused(rule: string, what: string, cause: string, gain: string, code: string, base: Spoil): Fault {
  return { rule, what, gain, cause, spoil: { base }, node: "base", kind: "refused", code };
}

const SAN = `https://github.com/${BUILDER}@refs/tags/v1.2.3`;
const MISSING = "A certificate that says less would pass for one that says what is asked.";

/** An extension of the certificate, missing or otherwise. */
function extension(
  arcs: readonly number[],
  name: string,
  cause: string,
  code: string,
  gain: string,
  other: string,
): readonly Fault[] {
  const [arc = 0] = arcs;
  return [
    refused("R6", `the certificate lacks ${name}`, cause, MISSING, code, { sign: { omitExtensions: arcs } }),
    refused("R6", `the certificate has another ${name}`, cause, gain, code, {
      sign: { overrideExtensions: { [arc]: other } },
    }),
  ];
}

function run(rule: string, what: string, cause: string, gain: string, code: string, claims: GithubRun): Fault {
  return refused(rule, what, cause, gain, code, { run: claims });
}

const malformed = (what: string, overrideExtensions: CertificateExtensions): Fault =>
  refused(
    "R6",
    what,
    "extension-form",
    "Another tool reads another identity in the same certificate.",
    "malformed-extension",
    { sign: { overrideExtensions } },
  );

/** Signers whose certificate verifies, and whom policy doesn't name. */
export const FAULTS_OF_IDENTITIES: readonly Fault[] = [
  ...extension(
    [8, 1],
    "issuer (.8)",
    "issuer",
    "issuer",
    "Another identity provider gives out tokens that claim to be of any repository.",
    "https://token.example.com",
  ).map((fault) => (fault.what.includes("lacks") ? { ...fault, cause: "no-issuer", code: "certificate" } : fault)),
  ...extension(
    [9],
    "build signer (.9)",
    "signer-name",
    "signer-name",
    "The name is one workflow's, the rest another's.",
    `https://github.com/evil/builder/.github/workflows/build.yml@refs/tags/v1.2.3`,
  ),
  ...extension(
    [10],
    "commit of the build signer (.10)",
    "builder-commit",
    "builder-moved",
    "Someone moves the builder's tag to a workflow of his own.",
    "c".repeat(40),
  ),
  ...extension(
    [11],
    "runner (.11)",
    "runner",
    "runner",
    "The build ran on a machine that its owner can reach into.",
    "self-hosted",
  ),
  ...extension(
    [12, 5],
    "source repository (.12)",
    "source",
    "source-repository",
    "Anybody who may call the builder signs for anybody's image.",
    "https://github.com/evil/base",
  ),
  ...extension(
    [15],
    "number of the source repository (.15)",
    "source-id",
    "repository-id",
    "Whoever takes over an abandoned name inherits its trust.",
    "666",
  ),
  ...extension(
    [17],
    "number of the source's owner (.17)",
    "owner-id",
    "owner-id",
    "Whoever takes over an abandoned account name inherits its trust.",
    "666",
  ),
  ...extension(
    [14, 6],
    "ref (.14)",
    "ref",
    "ref",
    "Anybody who may push a branch signs for a release.",
    "refs/heads/feature",
  ),
  ...extension(
    [20, 2],
    "event (.20)",
    "event",
    "event",
    "A pull request from a stranger's fork runs beside the secrets and signs.",
    "pull_request_target",
  ),
  ...extension(
    [21],
    "run (.21)",
    "run",
    "run",
    "The run that is shown isn't the one that built.",
    "https://github.com/evil/base/actions/runs/1/attempts/1",
  ),
  malformed("an extension of the certificate isn't DER", { 12: Buffer.from("https://github.com/acme/base") }),
  malformed("an extension of the certificate has bytes behind its DER", {
    12: Buffer.concat([Buffer.from([0x0c, 1]), Buffer.from("xy")]),
  }),
  malformed("an extension of the certificate is empty", { 15: "" }),
  refused(
    "R7",
    "the certificate's name is another workflow than its build signer",
    "signer-name",
    "The name is one workflow's, the rest another's.",
    "signer-name",
    { sign: { subjectAlternativeName: SAN.replace("acme", "evil") } },
  ),
  run(
    "R7",
    "another workflow of the builder's repository signed",
    "workflow",
    "A workflow that was never meant to build signs.",
    "workflow",
    { jobWorkflowRef: "acme/builder/.github/workflows/lint.yml@refs/tags/v1.2.3" },
  ),
  run(
    "R7",
    "the builder is taken from a branch",
    "workflow",
    "Whoever may push to a branch of the builder changes how it builds.",
    "workflow",
    { jobWorkflowRef: `${BUILDER}@refs/heads/v1` },
  ),
  run(
    "R7",
    "the builder's ref only begins like the one that policy names",
    "workflow",
    "A pattern without an end lets look-alikes in.",
    "workflow",
    { jobWorkflowRef: `${BUILDER}@refs/tags/v1/x` },
  ),
  run(
    "R7",
    "the source's own workflow signed instead of the builder",
    "workflow",
    "Whoever may write to the source builds as he likes.",
    "workflow",
    { jobWorkflowRef: "acme/base/.github/workflows/release.yml@refs/tags/v1.0.0" },
  ),
  run(
    "R7",
    "a look-alike of the builder's repository signed",
    "workflow",
    "A dot or a prefix that matches too much lets look-alikes in.",
    "workflow",
    { jobWorkflowRef: `acme/builder-x/.github/workflows/build.yml@refs/tags/v1.2.3` },
  ),
  run(
    "R4",
    "the source is another repository of the same owner",
    "source",
    "One repository of an organisation signs images of another.",
    "source-repository",
    { repository: "acme/tools", repositoryId: FACTS.app.id },
  ),
  run(
    "R4",
    "the source's name only begins like the one that policy names",
    "source",
    "A look-alike repository passes for the real one.",
    "source-repository",
    { repository: "acme/base-x", repositoryId: FACTS.app.id },
  ),
  run(
    "R4",
    "the source's owner only begins like the one that policy names",
    "source",
    "A look-alike account passes for the real one.",
    "source-repository",
    { repository: "acme-x/base", repositoryId: FACTS.app.id, ownerId: FACTS.app.id },
  ),
  run(
    "R8",
    "the source has the right name and another number",
    "source-id",
    "Whoever takes over an abandoned name inherits its trust.",
    "repository-id",
    { repositoryId: FACTS.app.id },
  ),
  ...["pull_request", "issue_comment", "workflow_run", "schedule"].map((event) =>
    run("R6", `the event is ${event}`, "event", "Code of strangers, or of an unreviewed moment, is signed.", "event", {
      event,
    }),
  ),
  {
    ...run(
      "R10",
      "the signer's token is for another commit than was built",
      "source-of-build",
      "An old run signs what was built from other source.",
      "source-mismatch",
      { sha: "9".repeat(40) },
    ),
    kind: "mismatch",
  },
  refused("R10", "the certificate lacks the source's commit (.13)", "source-commit", MISSING, "source-commit", {
    sign: { omitExtensions: [13, 3] },
  }),
];
