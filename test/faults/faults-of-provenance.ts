import { createHash } from "node:crypto";
import { githubClaims } from "../world/github-claims.ts";
import { type Built, FACTS, hex, MANIFEST, referrerOf, runOf, type Spoil, signStatement } from "./ancestry.ts";
import { at, bytesOf, type Document, type Path, put, putAll, withKeyBefore } from "./document.ts";
import type { Fault } from "./mutation.ts";
import type { Trial } from "./trial.ts";

const DEFINITION: Path = ["predicate", "buildDefinition"];
export const DEPENDENCIES: Path = [...DEFINITION, "resolvedDependencies"];
export const SOURCE: Path = [...DEFINITION, "externalParameters", "configSource"];
export const REQUEST: Path = [...DEFINITION, "externalParameters", "request"];
export const STEPS: Path = [...DEFINITION, "internalParameters", "buildConfig", "llbDefinition"];
export const METADATA: Path = ["predicate", "runDetails", "metadata"];
export const COMPLETE: Path = [...METADATA, "buildkit_completeness", "resolvedDependencies"];
export const BUILDER_ID: Path = ["predicate", "runDetails", "builder", "id"];
/** In the app's steps: the base that the result rests on. */
export const BASE_STEP: Path = [...STEPS, 0, "op", "Op", "source", "identifier"];

const NOBODY = `sha256:${"0".repeat(64)}`;
const HIDDEN = "An ancestor that nobody judged goes into the image unseen.";

/** Hangs another signed statement on an image of the trial; by default the run that built it signs. */
export async function attach(trial: Trial, to: Built, statement: Document, by = runOf(to.name)): Promise<void> {
  const bundle = await trial.sigstore.sign(bytesOf(statement), githubClaims(by));
  const bytes = Buffer.from(JSON.stringify(bundle));
  const { registry } = trial;
  registry.putBlob(to.path, bytes);
  registry.putManifest(to.path, bytesOf(referrerOf(registry, to.path, bytes, to.manifest)), MANIFEST);
}

/** Points the app's build at another image than it was built on: in the list, in the steps, or in both. */
export function withDependency(statement: Document, index: number, uri: string, digest: string): Document {
  const step = index === 0 ? BASE_STEP : [...STEPS, 3, "op", "Op", "source", "identifier"];
  const reference = uri.replace(/^pkg:docker\//, "").replace(/@([^?]*).*$/, ":$1");
  return putAll(statement, [
    [[...DEPENDENCIES, index, "uri"], uri],
    [[...DEPENDENCIES, index, "digest", "sha256"], hex(digest)],
    [step, `docker-image://${reference}@${digest}`],
  ]);
}

const uriOf = (statement: Document, index: number) => String(at(statement, [...DEPENDENCIES, index, "uri"]));

/** What is signed: subject, type, and whether it is provenance at all. */
function statements(): readonly Fault[] {
  const gain = "A good statement about one thing is shown as one about another.";
  const refused = (rule: string, what: string, cause: string, code: string, statement: Spoil["statement"]): Fault => ({
    rule,
    what,
    gain,
    cause,
    spoil: { base: { ...(statement && { statement }) } },
    node: "base",
    kind: "refused",
    code,
  });
  const malformed = (rule: string, what: string, statement: Spoil["statement"]): Fault => ({
    ...refused(rule, what, "statement-form", "malformed-statement", statement),
    gain: "Another tool reads another statement under the same signature.",
  });
  const provenance = (what: string, statement: Spoil["statement"]): Fault => ({
    rule: "R23",
    what,
    gain: "Another tool reads another build in the same provenance.",
    cause: "provenance-form",
    spoil: { base: { inIndex: false, ...(statement && { statement }) } },
    node: "base",
    kind: "refused",
    code: "malformed-provenance",
  });
  return [
    refused("R13", "the signed subject is another image", "subject", "subject-mismatch", (statement) =>
      put(statement, ["subject", 0, "digest", "sha256"], "0".repeat(64)),
    ),
    refused(
      "R13",
      "the subject's SHA-512 isn't the image's, beside a SHA-256 that is",
      "subject",
      "subject-mismatch",
      (statement) => put(statement, ["subject", 0, "digest", "sha512"], "0".repeat(128)),
    ),
    refused("R13", "the subject's SHA-256 is in capitals", "subject", "subject-mismatch", (statement) =>
      put(statement, ["subject", 0, "digest", "sha256"], (text: string) => text.replace(/[0-9]/, "A").toUpperCase()),
    ),
    refused("R13", "the subject's SHA-256 is cut short", "subject", "subject-mismatch", (statement) =>
      put(statement, ["subject", 0, "digest", "sha256"], (text: string) => text.slice(0, 62)),
    ),
    refused(
      "R13",
      "the subject has the image's name and only a SHA-1",
      "subject",
      "subject-mismatch",
      (statement, { manifest }) =>
        put(statement, ["subject", 0, "digest"], { sha1: createHash("sha1").update(manifest.bytes).digest("hex") }),
    ),
    refused(
      "R13",
      "the subject is the layer, which the image has in common with others",
      "subject",
      "subject-mismatch",
      (statement, { layers }) =>
        put(
          statement,
          ["subject", 0, "digest", "sha256"],
          createHash("sha256")
            .update(layers[0]?.blob ?? "")
            .digest("hex"),
        ),
    ),
    malformed("R13", "the statement has no subject", (statement) => put(statement, ["subject"], [])),
    malformed("R23", "the statement is of an unknown type", (statement) =>
      put(statement, ["_type"], "https://in-toto.io/Statement/v9"),
    ),
    malformed("R23", "the statement has its subject twice", (statement) => withKeyBefore(statement, "subject", [])),
    malformed("R23", "the statement has Subject beside subject", (statement) => ({ ...statement, Subject: [] })),
    malformed("R23", "the statement is no JSON", (statement) => `${JSON.stringify(statement)}.`),
    malformed("R23", "the predicate has a key twice, deep inside", (statement) =>
      JSON.stringify(statement).replace('"sha1":', `"sha1":"${"9".repeat(40)}","sha1":`),
    ),
    refused("R17", "the signed statement is a list of packages", "predicate-type", "predicate-type", (statement) =>
      put(statement, ["predicateType"], "https://spdx.dev/Document"),
    ),
    refused(
      "R17",
      "the signed provenance is of a version that nobody knows",
      "predicate-type",
      "predicate-type",
      (statement) => put(statement, ["predicateType"], "https://slsa.dev/provenance/v9"),
    ),
    provenance("the provenance's dependencies are no list", (statement) => put(statement, DEPENDENCIES, "none")),
    provenance("the provenance has two invocation ids", (statement) =>
      put(statement, [...METADATA, "invocationID"], "another"),
    ),
    provenance("the provenance has ResolvedDependencies beside resolvedDependencies", (statement) =>
      put(statement, [...DEFINITION, "ResolvedDependencies"], []),
    ),
    {
      rule: "R18",
      what: "the base's provenance is of a build type that records no images",
      gain: HIDDEN,
      cause: "unrecorded",
      spoil: {
        base: {
          inIndex: false,
          statement: (s) => put(s, [...DEFINITION, "buildType"], "https://actions.github.io/buildtypes/workflow/v1"),
        },
      },
      node: "base",
      kind: "opaque",
      code: "parents-unrecorded",
    },
    {
      rule: "R18",
      what: "the base's build type puts packages together, and doesn't say that nothing lies underneath",
      gain: "An image that rests on something else passes for one from scratch.",
      cause: "unrecorded",
      spoil: {
        base: {
          inIndex: false,
          statement: (s) => put(s, [...DEFINITION, "buildType"], "https://apko.dev/slsa-build-type@v1"),
        },
      },
      node: "base",
      kind: "opaque",
      code: "parents-unrecorded",
    },
    {
      rule: "R16",
      what: "the app's build type lists images, and never all of them",
      gain: HIDDEN,
      cause: "incomplete",
      spoil: {
        app: {
          inIndex: false,
          statement: (s) => put(s, [...DEFINITION, "buildType"], "https://tekton.dev/chains/v2/slsa"),
        },
      },
      node: "app",
      kind: "opaque",
      code: "incomplete",
    },
    {
      rule: "R18",
      what: "the base's build type only looks like BuildKit's",
      gain: HIDDEN,
      cause: "unrecorded",
      spoil: {
        base: { inIndex: false, statement: (s) => put(s, [...DEFINITION, "buildType"], (type: string) => `${type}#`) },
      },
      node: "base",
      kind: "opaque",
      code: "parents-unrecorded",
    },
    {
      rule: "R18",
      what: "the base is signed, and nothing says how it was built",
      gain: HIDDEN,
      cause: "unrecorded",
      spoil: { base: { inIndex: false, statement: (_, { manifest }) => signStatement(manifest.digest) } },
      node: "base",
      kind: "opaque",
      code: "parents-unrecorded",
    },
  ];
}

/** Where the build's instructions came from. */
function sources(): readonly Fault[] {
  const gain = "A signer's run for good source signs what was built from other source.";
  const mismatch = (what: string, provenance: Spoil["provenance"], more: Partial<Fault> = {}): Fault => ({
    rule: "R10",
    what,
    gain,
    cause: "source-of-build",
    spoil: { app: { ...(provenance && { provenance }) } },
    node: "app",
    kind: "mismatch",
    code: "source-mismatch",
    ...more,
  });
  const other = "9".repeat(40);
  return [
    mismatch("the app was built from another repository", (statement) =>
      put(statement, [...SOURCE, "uri"], (uri: string) => uri.replace("acme", "evil")),
    ),
    mismatch("the app was built from a look-alike repository", (statement) =>
      put(statement, [...SOURCE, "uri"], (uri: string) => uri.replace("/app.git", "/app-x.git")),
    ),
    mismatch("the app was built from a server that only looks like GitHub", (statement) =>
      put(statement, [...SOURCE, "uri"], (uri: string) => uri.replace("github.com", "github.com.example.com")),
    ),
    mismatch("the app was built from another commit", (statement) =>
      putAll(statement, [
        [[...SOURCE, "uri"], (uri: string) => uri.replace(FACTS.app.commit, other)],
        [[...SOURCE, "digest", "sha1"], other],
      ]),
    ),
    mismatch("the app was built from a branch, and no commit is recorded", (statement) =>
      putAll(statement, [
        [[...SOURCE, "uri"], (uri: string) => uri.replace(FACTS.app.commit, "main")],
        [[...SOURCE, "digest"], {}],
      ]),
    ),
  ];
}

/** What the build says went in. */
function dependencies(): readonly Fault[] {
  const app = (
    what: string,
    cause: string,
    node: Fault["node"],
    kind: string,
    code: string,
    provenance: NonNullable<Spoil["provenance"]>,
    more: Partial<Fault> = {},
  ): Fault => ({
    rule: "R16",
    what,
    gain: HIDDEN,
    cause,
    spoil: { app: { provenance } },
    node,
    kind,
    code,
    ...more,
  });
  const steps = (statement: Document) => at(statement, STEPS) as readonly Document[];
  const unread = (what: string, dependency: unknown): Fault =>
    app(what, "not-understood", "dependency", "unresolved", "dependency-not-understood", (statement) =>
      put(statement, DEPENDENCIES, (list: unknown[]) => [...list, dependency]),
    );
  const sha256 = "0".repeat(64);
  return [
    app(
      "list and steps have another digest for the app's base",
      "disagreement",
      "app",
      "mismatch",
      "dependencies-disagree",
      (statement, { runtime }) =>
        put(statement, [...DEPENDENCIES, 0, "digest", "sha256"], hex(runtime?.manifest.digest ?? "")),
    ),
    app(
      "one name stands for two images in the list",
      "disagreement",
      "app",
      "mismatch",
      "dependencies-disagree",
      (statement, { runtime }) =>
        put(statement, DEPENDENCIES, (list: Document[]) => [
          ...list,
          { ...list[0], digest: { sha256: hex(runtime?.manifest.digest ?? "") } },
        ]),
    ),
    app(
      "the app's input is an image that isn't there",
      "absent",
      "base",
      "unresolved",
      "manifest-not-found",
      (statement) => withDependency(put(statement, [...DEPENDENCIES, 1, "uri"], "x"), 1, uriOf(statement, 1), NOBODY),
    ),
    app(
      "the app's list names an input in addition, which isn't there",
      "absent",
      "base",
      "unresolved",
      "manifest-not-found",
      (statement) =>
        put(statement, DEPENDENCIES, (list: Document[]) => [
          ...list,
          { uri: uriOf(statement, 1).replace("1.0.0", "2.0.0"), digest: { sha256 } },
        ]),
    ),
    app(
      "the app's steps use an input that the list leaves out, and that isn't there",
      "absent",
      "base",
      "unresolved",
      "manifest-not-found",
      (statement) =>
        put(statement, [...STEPS, 3, "op", "Op", "source", "identifier"], (text: string) =>
          text.replace("1.0.0", "2.0.0").replace(/sha256:[0-9a-f]{64}/, NOBODY),
        ),
    ),
    unread("a dependency of the app is no URL of any kind", { uri: "something", digest: { sha256 } }),
    unread("a dependency of the app is an image without a digest", { uri: "pkg:docker/ghcr.io/acme/x@1", digest: {} }),
    unread("a dependency of the app has no name", { digest: { sha256 } }),
    unread("a dependency of the app is a package URL with a part that could move its registry", {
      uri: "pkg:docker/acme/x@1?repository_url=registry.example.com",
      digest: { sha256 },
    }),
    unread("a dependency of the app is a repository without a commit", {
      uri: "https://github.com/acme/x.git",
      digest: {},
    }),
    app(
      "the app's steps fetch from a place of unknown kind",
      "not-understood",
      "dependency",
      "unresolved",
      "dependency-not-understood",
      (statement) =>
        put(statement, STEPS, [
          ...steps(statement),
          { id: "extra", op: { Op: { source: { identifier: "ftp://example.com/x", attrs: {} } } } },
        ]),
    ),
    app(
      "the app's steps hold one of unknown kind",
      "not-understood",
      "dependency",
      "unresolved",
      "dependency-not-understood",
      (statement) => put(statement, STEPS, [...steps(statement), { id: "extra", op: { Op: { conjure: {} } } }]),
    ),
    app(
      "the app's frontend is an image that isn't there",
      "absent",
      "base",
      "unresolved",
      "manifest-not-found",
      (statement) =>
        putAll(statement, [
          [REQUEST, { frontend: "gateway.v0", args: { source: `${nameIn(uriOf(statement, 1))}:2@${NOBODY}` } }],
        ]),
      { rule: "R19", gain: "The program that reads the Dockerfile decides what is built, and nobody judged it." },
    ),
    app(
      "the app's frontend is named, and no digest of it is recorded",
      "not-understood",
      "dependency",
      "unresolved",
      "dependency-not-understood",
      (statement) =>
        put(statement, REQUEST, { frontend: "gateway.v0", args: { source: "docker.io/docker/dockerfile:1" } }),
      { rule: "R19", gain: "The program that reads the Dockerfile decides what is built, and nobody judged it." },
    ),
    app(
      "the app's input comes from a store on the builder's machine",
      "local",
      "dependency",
      "unresolved",
      "local-image",
      (statement) =>
        put(statement, [...STEPS, 3, "op", "Op", "source", "identifier"], `oci-layout://local/thing@${NOBODY}`),
      { node: "other" },
    ),
    app(
      "the app's steps end in no base that can be told",
      "base-unknown",
      "app",
      "opaque",
      "base-unknown",
      (statement) => put(statement, [...STEPS, 2, "op"], { Op: { diff: {} } }),
      { rule: "R18" },
    ),
    app(
      "the app's steps go round in a ring",
      "base-unknown",
      "app",
      "opaque",
      "base-unknown",
      (statement) => put(statement, [...STEPS, 2, "inputs", 0], "copy2:0"),
      { rule: "R18" },
    ),
    app(
      "the app claims to be from scratch, with its base's layers",
      "unexplained",
      "app",
      "opaque",
      "unexplained-layers",
      (statement) =>
        putAll(statement, [
          [[...STEPS, 2, "op", "Op", "file", "actions", 0, "input"], -1],
          [[...METADATA, "buildkit_metadata", "layers"], {}],
        ]),
      { rule: "R18" },
    ),
    {
      rule: "R18",
      what: "the base from scratch was built from a directory of the builder's",
      gain: "Whatever lay in that directory is in the image, and nobody knows what it was.",
      cause: "incomplete",
      spoil: {
        base: {
          provenance: (statement) =>
            putAll(statement, [
              [SOURCE, { path: "Dockerfile" }],
              [DEPENDENCIES, undefined],
              [
                [...REQUEST, "locals"],
                [{ name: "context" }, { name: "dockerfile" }],
              ],
              [COMPLETE, false],
              [
                STEPS,
                (list: Document[]) =>
                  put({ list }, ["list", 0, "op"], { Op: { source: { identifier: "local://context", attrs: {} } } })
                    .list,
              ],
            ]),
        },
      },
      node: "base",
      kind: "opaque",
      code: "incomplete",
    },
    {
      rule: "R18",
      what: "the builder of the base doesn't say that it recorded everything",
      gain: HIDDEN,
      cause: "incomplete",
      spoil: { base: { provenance: (statement) => put(statement, COMPLETE, false) } },
      node: "base",
      kind: "opaque",
      code: "incomplete",
    },
    {
      rule: "R18",
      what: "the base's provenance is without steps (mode=min)",
      gain: "An image that rests on something else passes for one from scratch.",
      cause: "list-only",
      spoil: { base: { provenance: (statement) => put(statement, STEPS, []) } },
      node: "base",
      kind: "opaque",
      code: "list-only",
    },
    {
      rule: "R16",
      what: "the app's provenance is without steps, and its list isn't complete",
      gain: HIDDEN,
      cause: "incomplete",
      spoil: {
        app: {
          provenance: (s) =>
            putAll(s, [
              [STEPS, []],
              [COMPLETE, false],
            ]),
        },
      },
      node: "app",
      kind: "opaque",
      code: "incomplete",
    },
    {
      rule: "R16",
      what: "the app's provenance is without steps and lists no image",
      gain: HIDDEN,
      cause: "list-only",
      spoil: {
        app: {
          provenance: (s) =>
            putAll(s, [
              [STEPS, []],
              [DEPENDENCIES, (list: unknown[]) => list.slice(2)],
            ]),
        },
      },
      node: "app",
      kind: "opaque",
      code: "list-only",
    },
    {
      rule: "R17",
      what: "a second accepted provenance of the app names a parent that isn't there",
      gain: "One run hides what another run put in.",
      cause: "absent",
      fresh: "app",
      after: (trial) => {
        const { app } = trial.images;
        const uri = uriOf(app.statement, 1).replace("1.0.0", "2.0.0");
        return attach(
          trial,
          app,
          put(app.statement, DEPENDENCIES, (list: unknown[]) => [...list, { uri, digest: { sha256 } }]),
        );
      },
      node: "base",
      kind: "unresolved",
      code: "manifest-not-found",
    },
    {
      rule: "R17",
      what: "two accepted provenances of the base disagree on whether it is from scratch",
      gain: "One run hides what another run put in.",
      cause: "provenances",
      fresh: "base",
      after: (trial) => {
        const { base } = trial.images;
        const other = `docker-image://${trial.registry.host}/good/base:1.0.0@${trial.registry.readTag("good/base", "1.0.0")}`;
        return attach(
          trial,
          base,
          put(base.statement, STEPS, (list: Document[]) => [
            { id: "from", op: { Op: { source: { identifier: other, attrs: {} } } } },
            list[0],
            {
              ...list[1],
              inputs: ["from:0", "git:0"],
              op: { Op: { file: { actions: [{ input: 0, secondaryInput: 1, output: 0, Action: { copy: {} } }] } } },
            },
            list[2],
          ]),
        );
      },
      node: "base",
      kind: "mismatch",
      code: "provenance-disagrees",
    },
    {
      rule: "R4",
      what: "the app's input is a signed image of a name that policy gives to nobody",
      gain: "Any image that somebody signed would do as an ancestor.",
      cause: "no-builder",
      spoil: {
        app: {
          provenance: (statement, { elsewhere }) =>
            withDependency(statement, 1, `pkg:docker/${elsewhere?.repository}@1.0.0`, elsewhere?.index.digest ?? ""),
        },
      },
      node: "other",
      kind: "refused",
      code: "no-builder",
    },
    {
      rule: "R17",
      what: "the base's provenance says that it was built from the app, which was built from it",
      gain: "Statements that vouch for each other need no ground to stand on.",
      cause: "ring",
      spoil: { base: { inIndex: false } },
      after: (trial) => {
        const { base, app } = trial.images;
        const uri = uriOf(app.statement, 1).replace("/base@", "/app@");
        const dependency = { uri, digest: { sha256: hex(app.index.digest) } };
        return attach(
          trial,
          base,
          put(base.statement, DEPENDENCIES, (list: unknown[]) => [...list, dependency]),
        );
      },
      node: "app",
      kind: "cycle",
      code: "cycle",
      also: [
        { node: "runtime", kind: "cycle", code: "cycle" },
        { node: "base", kind: "cycle", code: "cycle" },
      ],
    },
  ];
}

const nameIn = (purl: string) => purl.replace(/^pkg:docker\//, "").replace(/@.*$/, "");

/** Mutations of what is signed: who says what about which bytes. */
export const FAULTS_OF_PROVENANCE: readonly Fault[] = [...statements(), ...sources(), ...dependencies()];
