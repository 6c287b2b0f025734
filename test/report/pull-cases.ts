import type { PullCheck, PullFile, PullOutcome } from "../../src/change/pull.ts";
import { parsePlatform } from "../../src/image/platform.ts";
import { pin } from "../../src/image/reference.ts";
import type { ForecastDocument } from "../../src/report/forecast-json.ts";
import { faultOn, forecast, parent, unattested, verdictOn } from "./forecasts.ts";
import { hostile } from "./hostile.ts";
import { check, judged, judgedCheck, refused, weighed } from "./pulls.ts";
import { digest, fault, node } from "./verdicts.ts";

/** A check, and the documents that belong to it. */
export interface Case {
  readonly check: PullCheck;
  readonly documents: ReadonlyMap<string, ForecastDocument>;
}

/** A file on a trusted base. */
export const good = judged(forecast([parent("ghcr.io/acme/base:1", { line: 1 })]));

/** The same file on an unattested one, with a trusted input. */
export const bad = judged(
  forecast([unattested("node:20", { line: 3 }), parent("ghcr.io/acme/tools:1", { role: "input", line: 9 })], {
    faults: [faultOn(0, 3)],
  }),
);

/** All is well, and was. */
export const trusted = judgedCheck("trusted", [
  { before: good, after: good, enforced: [weighed("strict", "success")] },
]);

/** The pull request brings in an unattested base. */
export const newParent = judgedCheck("untrusted", [
  { before: good, after: bad, enforced: [weighed("ratchet", "failure")] },
]);

/** The unattested base was there before. */
export const ratchetPass = judgedCheck("untrusted", [
  { before: bad, after: bad, enforced: [weighed("ratchet", "success")] },
]);

/** A registry doesn't answer. */
export const undetermined = judgedCheck(
  "undetermined",
  [
    {
      before: good,
      after: judged(
        forecast([parent("quay.io/acme/base:1", { image: undefined, verdict: undefined, line: 2 })], {
          unreachable: [faultOn(0, 2, { code: "network", reason: "asked quay.io for a manifest: no route", mend: "" })],
        }),
      ),
      enforced: [weighed("strict", "action_required")],
    },
  ],
  { failures: 8 },
);

/** What an ancestor, an unresolved line, a second platform, a pin whose tag moved, and a file that can't be read look like. */
export const manifold = manifoldCheck();

function manifoldCheck(): Case {
  const pinned = parent(`ghcr.io/acme/pinned:1@${digest("old")}`, { line: 5 });
  const newer = { image: pin(pinned.reference, digest("new")), outcome: "trusted" } as const;
  const [runtime, base] = [
    node("runtime", { parents: [{ role: "base", to: "base" }] }),
    node("base", { finding: { kind: "unattested" } }),
  ];
  const below = fault("unattested", [runtime], [base, "base"]);
  const deep = (platform: string) =>
    parent("ghcr.io/acme/runtime:1.0.0", {
      platform: parsePlatform(platform),
      verdict: verdictOn("ghcr.io/acme/runtime:1.0.0", {
        outcome: "untrusted",
        nodes: [runtime, base],
        faults: [below],
      }),
    });
  const { parent: _, ...loose } = faultOn(0, 12, { code: "unresolved", reason: "BASE has no value", key: "x" });
  const whole = forecast([deep("linux/amd64"), deep("linux/arm64"), { ...pinned, newer }], {
    faults: [faultOn(0, 1, { path: below.path }), faultOn(1, 1, { path: below.path }), loose],
  });
  return judgedCheck("untrusted", [
    {
      after: judged({ repository: whole, organisation: forecast([{ ...pinned, newer }]) }),
      platforms: ["linux/amd64", "linux/arm64"],
      build: { image: "ghcr.io/acme/app", target: "final" },
      enforced: [weighed("strict", "failure"), weighed("strict", "success", "organisation")],
    },
    {
      path: "web/Dockerfile",
      previousPath: "Dockerfile.web",
      after: refused,
      enforced: [weighed("strict", "failure")],
    },
  ]);
}

/** A file of 150 lines of `FROM` with as many unattested parents. */
export function wide(count: number, enforced: readonly PullFile["enforced"][number][] = []): Case {
  const parents = Array.from({ length: count }, (_, i) => unattested(`docker.io/acme/image-${i}:1`, { line: i + 1 }));
  const faults = parents.map((_, i) => faultOn(i, i + 1, { reason: `reason ${i}`, key: `key ${i}` }));
  return judgedCheck("untrusted", [{ after: judged(forecast(parents, { faults })), enforced }]);
}

const POLICY_FAULTS = [
  { line: 4, column: 7, path: "trust.builders[0]", message: "unknown key" },
  { line: 9, column: 1, path: "", message: "Implicit keys need to be on a single line | <b>" },
] as const;

/** Every outcome without a verdict. */
export const ENDINGS: readonly PullOutcome[] = [
  { kind: "no-dockerfile" },
  { kind: "no-dockerfile", heldBackBy: 7 },
  { kind: "limit", reason: "it touches 600 Dockerfiles" },
  { kind: "policy-wrong", policy: "acme/app/.github/trusted-builds.yml", faults: POLICY_FAULTS },
  { kind: "undetermined", reason: "no answer from api.github.com" },
  { kind: "superseded" },
  { kind: "superseded", isClosed: true },
];

/** A check in every phase. */
export const CASES: readonly Case[] = [
  { check: check(), documents: new Map() },
  {
    check: check({
      failures: 2,
      waiting: { reason: "asked quay.io: 500", until: new Date("2027-02-01T12:01:00Z") },
    }),
    documents: new Map(),
  },
  ...ENDINGS.map((outcome) => ({ check: check({ outcome }), documents: new Map() })),
  trusted,
  newParent,
  ratchetPass,
  undetermined,
  manifold,
];

/** What is ours in checks and documents, beside what is everywhere. */
const OURS = ["policy", "mode", "conclusion", "key", "forecast", "rule", "by", "level"];

/** A case in which everything that strangers write is hostile. */
export function spoiled({ check: given, documents }: Case): Case {
  return {
    check: hostile(given, given.outcome?.kind === "policy-wrong" ? [] : OURS),
    documents: new Map(
      [...documents].map(([key, each]) => [key, { ...hostile(each, OURS), policy: hostile(each.policy) }]),
    ),
  };
}
