import type { AnswerHead } from "../../src/answer/answer.ts";
import type { AnswerFacts } from "../../src/answer/facts.ts";
import { type PinnedImage, parseReference } from "../../src/image/reference.ts";
import { drawAncestry } from "../../src/report/ancestry-picture.ts";
import { type ImagePageContent, imagePage } from "../../src/report/image-page.ts";
import { verdictDocument } from "../../src/report/json.ts";
import { resultDigest } from "../../src/report/result-digest.ts";
import type { JudgedNode, Verdict } from "../../src/trust/verdict.ts";
import { digest, fault, node, verdict } from "./verdicts.ts";

const COMMIT = "4f0e9d5b3f1f8f1a2b3c0b9c2d645a3e4f0e9d5b";

const DOCKERFILE = `# syntax=docker/dockerfile:1
FROM ghcr.io/acme/build:3 AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/var/cache/npm npm ci && npm run build -- --mode production --out-dir /out --reporter=json
\t# a tab, and <b>markup</b> & "quotes"
FROM ghcr.io/acme/runtime:20
COPY --from=build /out /app
USER 65532
ENTRYPOINT ["/app/server"]
`;

/** What is told beside the verdict. */
export const FACTS: AnswerFacts = {
  sources: [
    {
      repository: "https://github.com/acme/app",
      repositoryId: "1001",
      ownerId: "2001",
      commit: COMMIT,
      ref: "refs/tags/v1.0.0",
      run: "https://github.com/acme/app/actions/runs/123456/attempts/1",
      builder: "https://github.com/acme/app/.github/workflows/build.yml@refs/tags/v1.0.0",
    },
  ],
  dockerfiles: [
    {
      repository: "https://github.com/acme/app",
      commit: COMMIT,
      path: "images/app/Dockerfile",
      text: DOCKERFILE,
      reason: null,
    },
  ],
  packages: [
    {
      platform: "linux/amd64",
      format: "spdx",
      bundle: digest("sbom"),
      packages: [
        {
          name: "openssl",
          version: "3.3.1-r0",
          licences: ["Apache-2.0"],
          purl: "pkg:apk/alpine/openssl@3.3.1-r0",
          source: "https://gitlab.alpinelinux.org/alpine/aports",
        },
        { name: "left-pad", version: "1.3.0", licences: ["WTFPL"], purl: "pkg:npm/left-pad@1.3.0", source: null },
        { name: "local-thing", version: null, licences: [], purl: null, source: null },
      ],
      omitted: 4,
    },
  ],
  unread: [],
};

const app = node("app", {
  parents: [
    { role: "base", to: "runtime" },
    { role: "input", to: "build" },
    { role: "input", to: "assets" },
    { role: "frontend", to: "frontend" },
  ],
});

/** Thirteen images: bases, what was copied from, and a frontend. */
export const DEEP: readonly JudgedNode[] = [
  app,
  node("runtime", { parents: [{ role: "base", to: "node-20" }] }),
  node("build", {
    parents: [
      { role: "base", to: "node-20-dev" },
      { role: "input", to: "go" },
    ],
  }),
  node("assets", { parents: [{ role: "base", to: "alpine" }], level: 3 }),
  node("frontend", { finding: { kind: "pinned" } }),
  node("node-20", { parents: [{ role: "base", to: "debian" }] }),
  node("node-20-dev", {
    parents: [
      { role: "base", to: "node-20" },
      { role: "input", to: "certificates" },
    ],
  }),
  node("go", { parents: [{ role: "base", to: "alpine" }] }),
  node("alpine", { isFromScratch: true, level: 3 }),
  node("debian", {
    finding: { kind: "root", reason: "Debian's own, looked at", expires: "2027-06-01", policyPath: "trust.roots[0]" },
  }),
  node("certificates", { parents: [{ role: "base", to: "certificate-maker" }] }),
  node("certificate-maker", { parents: [{ role: "base", to: "static" }] }),
  node("static", { isFromScratch: true }),
];

/** With something else in the place of one of them. */
export function deepWith(id: string, given: Partial<JudgedNode>): readonly JudgedNode[] {
  return DEEP.map((each) => (each.id === id ? { ...each, level: 0, accepted: [], provenances: [], ...given } : each));
}

const steps = (...ids: readonly string[]) =>
  ids.map((id, i) => {
    const found = DEEP.find((each) => each.id === id);
    if (found === undefined) throw new Error(`no ${id}`);
    return i === 0 ? ([found] as const) : ([found, i === 2 && id === "go" ? "input" : "base"] as const);
  });

/** Whose grandparent nothing is signed about. */
export const UNTRUSTED: Verdict = verdict(deepWith("debian", { finding: { kind: "unattested" } }), {
  outcome: "untrusted",
  level: 0,
  faults: [fault("unattested", ...steps("app", "runtime", "node-20", "debian"))],
});

/** Of which something could not be looked at. */
export const UNDETERMINED: Verdict = verdict(
  deepWith("alpine", {
    finding: { kind: "unreachable", code: "server-error", reason: "asked ghcr.io for a manifest: 503" },
    isFromScratch: false,
  }),
  {
    outcome: "undetermined",
    level: 0,
    unreachable: [fault("server-error", ...steps("app", "assets", "alpine"))],
  },
);

/** In order, all of it. */
export const TRUSTED: Verdict = verdict(DEEP, { validUntil: new Date("2027-06-01T00:00:00Z") });

const IMAGE = parseReference(`ghcr.io/acme/app:1.0.0@${digest("app index")}`) as PinnedImage;

/** All that a page shows of a verdict. */
export async function contentOf(judged: Verdict, given: Partial<ImagePageContent> = {}): Promise<ImagePageContent> {
  const { outcome, level, policy, asOf, validUntil } = judged;
  const document = given.document ?? verdictDocument({ ...judged, image: IMAGE });
  const head: AnswerHead = {
    id: "0b9c2d64-5a3e-4f0e-9d5b-3f1f8f1a2b3c",
    image: IMAGE,
    policy,
    outcome,
    level,
    asOf,
    validUntil,
    result: resultDigest(document),
    audience: { kind: "everyone" },
    source: { repository: "https://github.com/acme/app", commit: COMMIT, ref: "refs/tags/v1.0.0" },
  };
  return {
    head,
    document,
    facts: FACTS,
    resolvedAt: IMAGE.tag === undefined ? undefined : new Date("2027-02-01T12:04:00Z"),
    policyUrl: `/v1/policies/${policy.digest}`,
    owners: [],
    claims: [],
    past: [
      {
        digest: IMAGE.digest,
        policy: policy.digest,
        outcome,
        level,
        asOf,
        result: head.result,
        faults: judged.faults.map(({ code }) => code),
      },
      {
        digest: digest("an older one"),
        policy: policy.digest,
        outcome: "untrusted",
        level: 0,
        asOf: new Date("2027-01-01T12:00:00Z"),
        result: digest("older"),
        faults: ["unattested", "revoked"],
      },
    ],
    picture: await drawAncestry(document, (reference) => `/images/${encodeURIComponent(reference)}`),
    places: {
      publicUrl: "https://builds.example",
      policy: `/v1/policies/${policy.digest}`,
      evidence: `/v1/verdicts/${IMAGE.digest}/evidence?image=ghcr.io%2Facme%2Fapp%3A1.0.0`,
      summary: {
        path: `/v1/verdicts/${IMAGE.digest}/vsa?image=ghcr.io%2Facme%2Fapp%3A1.0.0&platform=linux%2Famd64`,
        digest: digest("app"),
      },
    },
    pageOfDigest: (each) => `/images/ghcr.io/acme/app:1.0.0@${each}`,
    ...given,
  };
}

/** The page of a verdict. */
export async function pageOf(judged: Verdict, given: Partial<ImagePageContent> = {}): Promise<string> {
  return imagePage(await contentOf(judged, given));
}
