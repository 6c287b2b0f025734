import type { OwnBuild } from "../../src/trust/own-build.ts";
import type { GithubRun } from "../world/github-claims.ts";
import { FACTS, OWNER_ID, type Spoil, signStatement } from "./ancestry.ts";
import type { Document } from "./document.ts";
import { attach } from "./faults-of-provenance.ts";
import type { Fault } from "./mutation.ts";
import type { Trial } from "./trial.ts";

/** The build whose run signs the good app. */
export const OWN: OwnBuild = {
  server: "https://github.com",
  repositoryId: String(FACTS.app.id),
  ownerId: String(OWNER_ID),
  ref: "refs/tags/v1.0.0",
  commit: FACTS.app.commit,
  run: String(FACTS.app.run),
  attempt: "1",
};

/** The policy that also says which tags the app has; the good one stands under 1.0.0, and is built from v1.0.0. */
export const tagging =
  (...templates: readonly string[]) =>
  (text: string, { images }: Trial): string =>
    `${text}builds:\n  - { image: "${images.app.repository}", image-tags: ${JSON.stringify(templates)} }\n`;

const OLD = "An older image with a known hole passes for the new one.";
const SHARED = "Runs of two servers share their numbers.";
const MOVED = "The git tag is moved between the push and the build.";
const STARTED = "Somebody starts the same workflow with other inputs, and pushes its image over the build's.";
const TAKEN_OVER = "Whoever takes over an abandoned name inherits its trust.";
const RENAMED = "Whoever may push puts an old image with a known hole under a new name.";

/** An app of a signer whom policy names, and not of the build that was started. */
function foreign(what: string, code: string, gain: string, app: Spoil, more: Partial<Fault> = {}): Fault {
  const rest = { node: "app", kind: "refused", code } as const;
  return { rule: "R9", what, gain, cause: code, own: OWN, spoil: { app }, ...rest, ...more };
}

/** An app of a signer whom policy names, under a tag that isn't its git tag's. */
function mistagged(what: string, more: Partial<Fault>): Fault {
  const rest = { node: "app", kind: "mismatch", code: "tag-mismatch" } as const;
  return { rule: "R26", what, gain: RENAMED, cause: "wrong-tag", policy: tagging("{version}"), ...rest, ...more };
}

/** The app by another run of its workflow, which says in its provenance what it says in its certificate. */
export function byRun(run: GithubRun): Spoil {
  const said = (statement: Document) =>
    JSON.stringify(statement)
      .replaceAll(FACTS.app.commit, run.sha ?? FACTS.app.commit)
      .replaceAll("/runs/103/attempts/1", `/runs/${run.runId ?? FACTS.app.run}/attempts/${run.attempt ?? 1}`);
  return { run, provenance: (statement) => JSON.parse(said(statement)) as Document };
}

const OLDER: GithubRun = { runId: 99, ref: "refs/tags/v0.9.0" };

/** Mutations of which every signer is whom policy names, and the image isn't the one that was asked for. */
export const FAULTS_OF_BUILDS: readonly Fault[] = [
  foreign("another run of the app's workflow signed than was started", "other-run", STARTED, byRun({ runId: 999 })),
  foreign("another run of the app's workflow signed its index than was started", "other-run", STARTED, {
    signs: "index",
    ...byRun({ runId: 999 }),
  }),
  foreign("another attempt of the run signed than was started", "other-run", OLD, byRun({ attempt: 2 })),
  foreign(
    "the run that was started is another server's",
    "other-run",
    SHARED,
    {},
    {
      own: { ...OWN, server: "https://ghes.example" },
    },
  ),
  foreign("the run that was started built another commit", "other-commit", MOVED, byRun({ sha: "9".repeat(40) })),
  foreign("the run that was started built another tag", "other-ref", OLD, byRun({ ref: "refs/tags/v0.9.0" })),
  foreign(
    "the app's repository has another number than the build's",
    "repository-id",
    TAKEN_OVER,
    {},
    {
      cause: "source-id",
      own: { ...OWN, repositoryId: "666" },
    },
  ),
  foreign(
    "the app's owner has another number than the build's",
    "owner-id",
    TAKEN_OVER,
    {},
    {
      own: { ...OWN, ownerId: "666" },
    },
  ),
  foreign(
    "a root stands in for what the started run should have signed",
    "unattested",
    OLD,
    { attached: false },
    {
      cause: "nothing-signed",
      kind: "unattested",
      policy: (text, { images: { app } }) =>
        `${text}  roots:\n    - { image: "${app.repository}@${app.index.digest}", reason: looked at it, expires: 2099-01-01 }\n`,
    },
  ),
  mistagged("an older app, honestly signed, stands under a new tag", { spoil: { app: byRun(OLDER) } }),
  mistagged("policy gives the app's image another tag than it was asked by", { policy: tagging("{tag}", "latest") }),
  mistagged("the app was built from a branch with the tag's name", {
    spoil: { app: byRun({ ref: "refs/heads/v1.0.0" }) },
    policy: (text, trial) =>
      tagging("{version}")(text, trial).replaceAll(
        "workflow-digest",
        'refs: ["refs/tags/**", "refs/heads/**"]\n        workflow-digest',
      ),
  }),
  mistagged("the app's git tag makes no image tag", { spoil: { app: byRun({ ref: "refs/tags/v1.0.0+1" }) } }),
  mistagged("the tag's own run signed an older app that it didn't build", {
    spoil: { app: byRun(OLDER) },
    after: (trial) => attach(trial, trial.images.app, signStatement(trial.images.app.manifest.digest)),
  }),
];
