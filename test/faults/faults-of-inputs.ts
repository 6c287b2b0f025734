import { type Document, put, putAll } from "./document.ts";
import { COMPLETE, DEPENDENCIES, METADATA, REQUEST, SOURCE, STEPS } from "./faults-of-provenance.ts";
import type { Fault } from "./mutation.ts";

const ADDRESS = "https://files.example/tool.tgz";

/** What went into the app beside images. */
const input = (
  what: string,
  code: string,
  provenance: (statement: Document) => Document,
  more: Partial<Fault> = {},
): Fault => ({
  rule: "R20",
  what,
  gain: "Content of which nobody knows where it comes from is in the image, below no ancestor that could be judged.",
  cause: code,
  spoil: { app: { provenance } },
  node: "app",
  kind: "opaque",
  code,
  ...more,
});

/** A step beside those that make the result. */
const withStep = (statement: Document, op: Document): Document =>
  put(statement, STEPS, (steps: unknown[]) => [
    ...steps.slice(0, -1),
    { id: "more", op: { Op: op } },
    ...steps.slice(-1),
  ]);

const forbidding =
  (what: string): NonNullable<Fault["policy"]> =>
  (text) =>
    `${text}  allow: { ${what}: false }\n`;

/** Mutations of what went into a build and is no image. The same where policy lets it in is harmless. */
export const FAULTS_OF_INPUTS: readonly Fault[] = [
  input("the app was built from a directory of the builder's", "input-local", (statement) =>
    putAll(statement, [
      [SOURCE, { path: "Dockerfile" }],
      [DEPENDENCIES, (list: unknown[]) => list.slice(0, 2)],
      [[...REQUEST, "locals"], [{ name: "context" }]],
      [COMPLETE, false],
      [[...STEPS, 1, "op", "Op", "source"], { identifier: "local://context", attrs: {} }],
    ]),
  ),
  input("the app's Dockerfile came from a directory of the builder's, beside the commit", "input-local", (statement) =>
    put(statement, [...REQUEST, "locals"], [{ name: "dockerfile" }]),
  ),
  input("the builder of the app doesn't say that it recorded everything", "incomplete", (statement) =>
    put(statement, COMPLETE, false),
  ),
  input("a file went into the app from an address, without a checksum", "input-not-checked", (statement) =>
    put(withStep(statement, { source: { identifier: ADDRESS, attrs: {} } }), DEPENDENCIES, (list: unknown[]) => [
      ...list,
      { uri: ADDRESS, digest: { sha256: "1".repeat(64) } },
    ]),
  ),
  input(
    "a command of the app's build had the network, which policy forbids",
    "input-network",
    (statement) => put(withStep(statement, { exec: { mounts: [] } }), [...METADATA, "buildkit_hermetic"], undefined),
    { policy: forbidding("network") },
  ),
  input(
    "a cache of other builds went into the app, which policy forbids",
    "input-cache",
    (statement) =>
      withStep(statement, {
        exec: { network: 2, mounts: [{ dest: "/cache", input: -1, output: -1, mountType: 3, cacheOpt: { ID: "c" } }] },
      }),
    { policy: forbidding("cache") },
  ),
  input(
    "a command of the app's build ran without a sandbox, which policy forbids",
    "input-privileged",
    (statement) => withStep(statement, { exec: { network: 2, security: 1, mounts: [] } }),
    { policy: forbidding("privileged") },
  ),
];
