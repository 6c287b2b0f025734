import assert from "node:assert/strict";
import { test } from "node:test";
import type { Build, BuildRequest, Outcome } from "../../src/build/build.ts";
import { parsePlatform } from "../../src/image/platform.ts";
import { checkRunReport } from "../../src/report/check-run.ts";
import type { JudgedBy } from "../../src/report/judged-by.ts";
import { MAX_MARKDOWN, MAX_TITLE } from "../../src/report/markdown-limits.ts";
import type { Verdict } from "../../src/trust/verdict.ts";
import { build, judgedBy, organisation, request, run, settled, trusted, untrusted } from "./builds.ts";
import { hostile } from "./hostile.ts";
import { bare } from "./rendered.ts";
import { chainOf, digest, fault, findings, node, verdict } from "./verdicts.ts";

const page = "https://builds.example/builds/0b9c2d64-5a3e-4f0e-9d5b-3f1f8f1a2b3c";
const report = (given: Build, judged: readonly JudgedBy[] = []) =>
  checkRunReport(given, judged, { page, workflowFile: "trusted-builds.yml" });
const isTrusted: Outcome = { kind: "verdict", verdict: "trusted" };
const isUntrusted: Outcome = { kind: "verdict", verdict: "untrusted" };
const short = (name: string) => digest(name).slice(7, 19);
const A40 = "a".repeat(40);
const B40 = "b".repeat(40);

const ASKED = `### What was asked for

- pushed: tag [\`v1.0.0\`](https://github.com/acme/app/tree/v1.0.0) of [\`acme/app\`](https://github.com/acme/app), at commit [\`aaaaaaaaaaaa\`](https://github.com/acme/app/commit/${A40})
- image: \`ghcr.io/acme/app:1.0.0\`
- Dockerfile: \`Dockerfile\`
- workflow: \`.github/workflows/trusted-builds.yml\`
- build: [\`0b9c2d64-5a3e-4f0e-9d5b-3f1f8f1a2b3c\`](${page})`;
const VERIFIED = `- image: \`ghcr.io/acme/app:1.0.0\`
- digest: \`${digest("app index")}\`
- inputs: closed: all that went in was fixed by digest, commit or checksum
- pushed: tag [\`v1.0.0\`](https://github.com/acme/app/tree/v1.0.0) of [\`acme/app\`](https://github.com/acme/app), at commit [\`aaaaaaaaaaaa\`](https://github.com/acme/app/commit/${A40})
- source: \`https://github.com/acme/app\` at [\`aaaaaaaaaaaa\`](https://github.com/acme/app/commit/${A40}) (\`refs/tags/v1.0.0\`)
- signer: \`https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.0.0\`, at 2026-01-02 03:04:05 UTC
- built by: [\`run 9001, attempt 1\`](https://github.com/acme/app/actions/runs/9001)
- policy of the repository: [\`acme/app/.github/trusted-builds.yml\`](https://github.com/acme/app/blob/${B40}/.github/trusted-builds.yml) at commit \`bbbbbbbbbbbb\``;
const row = (finding: string, name: string, rest: string) =>
  `| ${finding.replace(" ", "\u00a0")} | \`ghcr.io/acme/${name}:1.0.0@${short(name)}\` | \`linux/amd64\` | ${rest} |`;
const SIGNED = `2 | [\`acme/app@aaaaaaaaaaaa\`](https://github.com/acme/app/commit/${A40}) | \`https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.0.0\``;

test("says of a trusted image what was verified, and shows its ancestry as tree and table", () => {
  const from = "level 2, from https://github.com/acme/app at aaaaaaaaaaaa (refs/tags/v1.0.0)";
  const by = "signed by https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.0.0";
  assert.deepEqual(report(settled(isTrusted), [judgedBy(trusted)]), {
    status: "completed",
    conclusion: "success",
    title: "trusted: 3 images down to scratch, level 2",
    summary: `**✔ Trusted**: \`ghcr.io/acme/app:1.0.0@${digest("app index")}\`

### What was verified

${VERIFIED}: **trusted**, level 2, the lowest of 3 at level 2
- verified at: 2027-02-01 12:00:00 UTC
- build: [\`0b9c2d64-5a3e-4f0e-9d5b-3f1f8f1a2b3c\`](${page})`,
    text: `### Ancestry

\`\`\`text
✔ attested image  ghcr.io/acme/app:1.0.0@${short("app")} linux/amd64
│   ${from}
│   ${by}
└─ ✔ attested base  ghcr.io/acme/runtime:1.0.0@${short("runtime")} linux/amd64
   │   ${from}
   │   ${by}
   └─ ✔ attested base  ghcr.io/acme/base:1.0.0@${short("base")} linux/amd64
      │   ${from}
      │   ${by}
      └─ ✔ scratch
\`\`\`

### Every image

| finding | image | platform | role | level | source | signer |
|---|---|---|---|---|---|---|
${row("✔ attested", "app", `image | ${SIGNED}`)}
${row("✔ attested", "runtime", `base | ${SIGNED}`)}
${row("✔ attested, from scratch", "base", `base | ${SIGNED}`)}

✔ attested, or scratch`,
    detailsUrl: page,
    startedAt: new Date("2027-02-01T11:57:03Z"),
    completedAt: new Date("2027-02-01T12:00:09Z"),
  });
});

test("says where the signed summaries are, and on which images they hang", () => {
  const image = `ghcr.io/acme/app@${digest("app")}`;
  const told = (attached: readonly { readonly image: string; readonly manifest: string }[]) => {
    const summaries = { address: `${page}/vsa.jsonl`, attached };
    const options = { page, workflowFile: "trusted-builds.yml", summaries };
    return checkRunReport(settled(isTrusted), [judgedBy(trusted)], options).summary;
  };
  const line = `- signed summary (SLSA VSA): [\`vsa.jsonl\`](${page}/vsa.jsonl)`;
  assert.ok(told([]).endsWith(line), told([]));
  const attached = `  - attached to \`${image}\` as \`${digest("summary")}\``;
  assert.ok(told([{ image, manifest: digest("summary") }]).endsWith(`${line}\n${attached}`));
});

test("tells the fault of an untrusted image first: the grandparent, the way there, why, and what would mend it", () => {
  const said = report(settled(isUntrusted), [judgedBy(untrusted)]);
  assert.equal(said.conclusion, "failure");
  assert.equal(said.title, "untrusted, unattested: its grandparent ghcr.io/acme/base:1.0.0");
  const named = (name: string) => `\`ghcr.io/acme/${name}:1.0.0@${short(name)}\``;
  assert.equal(
    said.summary,
    `**✖ Untrusted**: \`ghcr.io/acme/app:1.0.0@${digest("app index")}\`

### What is wrong

- \`unattested\`: ${named("base")}, its grandparent: ${named("app")} → base ${named("runtime")} → base ${named("base")}
  - why: why unattested
  - what would mend it: how to mend unattested

### What was verified

${VERIFIED}: **untrusted**, level 0, the lowest of 2 at level 2, 1 at level 0
- verified at: 2027-02-01 12:00:00 UTC
- build: [\`0b9c2d64-5a3e-4f0e-9d5b-3f1f8f1a2b3c\`](${page})`,
  );
  assert.ok(said.text?.includes(`└─ ✖ unattested base  ghcr.io/acme/base:1.0.0@${short("base")} linux/amd64\n`));
  assert.ok(said.text?.includes(row("○ attested", "runtime", `base | ${SIGNED}`)));
  assert.ok(said.text?.includes(row("✖ unattested", "base", "base | 0 |  | ")));
});

test("R2 shows both policies, and which of them the image fails", () => {
  for (const order of [
    [judgedBy(trusted), judgedBy(untrusted, organisation)],
    [judgedBy(untrusted, organisation), judgedBy(trusted)],
  ]) {
    const said = report(settled(isUntrusted), order);
    assert.equal(said.title.split(", says ")[1], "the policy of the organisation");
    assert.ok(said.summary.includes("\n### What is wrong, says the policy of the organisation\n"));
    assert.ok(said.summary.includes("at commit `bbbbbbbbbbbb`: **trusted**, "));
    assert.ok(said.summary.includes("at commit `cccccccccccc`: **untrusted**, "));
    const [worse = "", better = ""] = said.text?.split("### Ancestry, as the policy of the repository sees it") ?? [];
    assert.ok(worse.startsWith("### Ancestry, as the policy of the organisation sees it\n"));
    assert.ok(worse.includes("✖ unattested base") && !better.includes("✖"));
  }
  const both = report(settled(isTrusted), [judgedBy(trusted), judgedBy(trusted, organisation)]);
  assert.equal(both.conclusion, "success");
  assert.equal(both.text?.split("### Ancestry").length, 2, "the same ancestry is shown once");
});

test("R2 warns of a policy whose branch takes changes without a review", () => {
  const warned = (isProtected: boolean | "unknown") =>
    /`(policy-[a-z-]+)`/.exec(report(settled(isTrusted), [judgedBy(trusted, { isProtected })]).summary)?.[1];
  assert.equal(warned(false), "policy-unprotected");
  assert.equal(warned("unknown"), "policy-protection-unknown");
  assert.equal(warned(true), undefined);
});

test("R3 R7 tells what was noticed as a warning, and passes all the same", () => {
  const notices = [
    { code: "rival-claims", message: "other repositories build it: mallory/[app](https://evil)" },
  ] as const;
  const { conclusion, summary } = report(settled({ kind: "verdict", verdict: "trusted", notices }), [
    judgedBy(trusted),
  ]);
  assert.equal(conclusion, "success");
  assert.match(summary, /- ⚠ `rival-claims`: other repositories build it/);
  assert.match(summary, /`mallory\/\[app\]\(https:\/\/evil`/);
});

test("never passes what a verdict doesn't, whatever the build says", () => {
  const undetermined = verdict([node("app")], {
    outcome: "undetermined",
    unreachable: [fault("network", [node("app")])],
  });
  const concluded = (...judged: readonly JudgedBy[]) => report(settled(isTrusted), judged).conclusion;
  assert.equal(concluded(judgedBy(trusted), judgedBy(trusted, organisation)), "success");
  assert.equal(concluded(judgedBy(trusted), judgedBy(untrusted, organisation)), "failure");
  assert.equal(concluded(judgedBy(trusted), judgedBy(undetermined, organisation)), "action_required");
  assert.throws(() => concluded(), /no verdict is stored with it/);
  assert.throws(() => report(settled(isTrusted, { digest: digest("other") }), [judgedBy(trusted)]), /its image is/);
  assert.throws(() => report(settled(isTrusted, { digest: undefined }), [judgedBy(trusted)]), /its image is/);
});

test("R35 an image with any fault fails its check, and no outcome passes but trusted", () => {
  const outcomes: readonly (readonly [Outcome, string])[] = [
    [isTrusted, "success"],
    [isUntrusted, "failure"],
    [{ kind: "build-failed", conclusion: "neutral", log: undefined }, "failure"],
    [{ kind: "build-failed", conclusion: "skipped", log: undefined }, "failure"],
    [{ kind: "policy-wrong", policy: "trusted-builds.yml", faults: [] }, "failure"],
    [{ kind: "no-workflow", reason: "it isn't there" }, "failure"],
    [{ kind: "tag-unusable", reason: "it makes no image tag" }, "failure"],
    [{ kind: "undetermined", reason: "nobody answered" }, "action_required"],
    [{ kind: "cancelled" }, "cancelled"],
  ];
  const judged = { trusted: [judgedBy(trusted)], untrusted: [judgedBy(untrusted)] };
  for (const [outcome, conclusion] of outcomes) {
    const by = outcome.kind === "verdict" ? judged[outcome.verdict] : [];
    assert.equal(report(settled(outcome), by).conclusion, conclusion, JSON.stringify(outcome));
  }
});

test("R35 a check that passes an untrusted image says so first, shows all its faults, and what strict would have said", () => {
  for (const [mode, words] of [
    ["report", "reported only"],
    ["ratchet", "no worse than before"],
  ] as const) {
    const enforced = [{ policy: "repository", mode, conclusion: "success", reason: "for a reason" }] as const;
    const said = report(settled({ kind: "verdict", verdict: "untrusted", enforced }), [judgedBy(untrusted)]);
    assert.equal(said.conclusion, "success");
    assert.equal(said.title, `untrusted (${words}), unattested: its grandparent ghcr.io/acme/base:1.0.0`);
    assert.ok(
      said.summary.includes(`### What is enforced

**This image is not trusted**, and the check passes all the same.

- policy of the repository, \`enforce: ${mode}\`: for a reason
- this check: \`success\`; with \`enforce: strict\`: \`failure\`

### What is wrong`),
      said.summary,
    );
    const strict = report(settled(isUntrusted), [judgedBy(untrusted)]);
    const [wrong, same] = [said, strict].map(({ summary }) => summary.slice(summary.indexOf("### What is wrong")));
    assert.equal(wrong, same);
    assert.equal(said.text, strict.text);
  }
});

test("R35 a check that fails though faults are reported says why, and a verdict that no policy weighed fails", () => {
  const by = (
    conclusion: "success" | "failure" | "action_required",
    policy: "repository" | "organisation" = "repository",
  ) => ({ policy, mode: "report", conclusion, reason: "revoked fails whatever is enforced" }) as const;
  const concluded = (enforced: readonly ReturnType<typeof by>[], ...judged: readonly JudgedBy[]) =>
    report(settled({ kind: "verdict", verdict: "untrusted", enforced }), judged);
  const failed = concluded([by("failure")], judgedBy(untrusted));
  assert.deepEqual(
    [failed.conclusion, failed.title],
    ["failure", "untrusted, unattested: its grandparent ghcr.io/acme/base:1.0.0"],
  );
  assert.ok(failed.summary.includes("`enforce: report`: revoked fails whatever is enforced"));
  const [ours, theirs] = [judgedBy(untrusted), judgedBy(untrusted, organisation)];
  assert.equal(concluded([by("success")], ours, theirs).conclusion, "failure");
  assert.equal(concluded([by("success"), by("failure", "organisation")], ours, theirs).conclusion, "failure");
  assert.equal(
    concluded([by("success"), by("action_required", "organisation")], ours, theirs).conclusion,
    "action_required",
  );
  assert.equal(concluded([by("success"), by("success", "organisation")], ours, theirs).conclusion, "success");
  assert.equal(concluded([], ours).conclusion, "failure");
  const open = judgedBy(verdict([node("app")], { outcome: "undetermined" }), organisation);
  assert.equal(concluded([by("success"), by("success", "organisation")], ours, open).conclusion, "failure");
  const trusting = report(settled({ ...isTrusted, enforced: [by("success")] } as Outcome), [ours]);
  assert.equal(trusting.conclusion, "failure", "weighed as trusted, and untrusted by what is stored");
});

test("says since when it waits and what for, phase by phase", () => {
  const since = new Date("2027-02-01T11:58:00Z");
  const queued = report(build());
  assert.deepEqual([queued.status, queued.title], ["queued", "Queued since 11:57 UTC"]);
  assert.ok(queued.summary.startsWith("Queued since 2027-02-01 11:57:03 UTC: the workflow is about to be started.\n"));
  assert.ok(queued.summary.includes("tag `v1.0.0` of `acme/app`"), "no links before it is known which server it is");
  const started = report(build({ phase: "dispatched", run }));
  assert.deepEqual([started.status, started.title], ["queued", "Queued since 11:57 UTC: waiting for a runner"]);
  assert.ok(started.summary.endsWith(ASKED));
  const building = report(build({ phase: "dispatched", run, runStatus: { status: "in_progress", since } }));
  assert.deepEqual([building.status, building.title], ["in_progress", "Building since 11:58 UTC"]);
  assert.ok(building.summary.includes("[`run 9001, attempt 1`](https://github.com/acme/app/actions/runs/9001)"));
  const verifying = report(build({ phase: "verifying", run }));
  assert.deepEqual([verifying.status, verifying.title], ["in_progress", "Verifying what was built"]);
  for (const each of [queued, started, building, verifying]) {
    assert.equal(each.conclusion, undefined);
    assert.equal(each.detailsUrl, page);
  }
});

test("says plainly that having been unable to look says nothing about the image, and when it is tried again", () => {
  const waiting = { reason: "asked ghcr.io for a manifest: 500", until: new Date("2027-02-01T12:01:00Z") };
  const said = report(build({ phase: "verifying", run, failures: 2, waiting }));
  assert.equal(said.status, "in_progress");
  assert.equal(said.conclusion, undefined);
  assert.equal(said.title, "Could not look yet: next try at 12:01 UTC, 2 failures so far");
  assert.ok(
    said.summary.startsWith(`**Could not look yet**: asked \`ghcr.io\` for a manifest: 500

Next try at 2027-02-01 12:01:00 UTC, 2 failures so far. This says nothing about the image: it is neither trusted nor untrusted until it could be looked at.
`),
  );
  assert.equal(report(build({ waiting, failures: 1 })).status, "queued");
});

test("asks for action where it could not look to the last try, with what is known", () => {
  const outcome = { kind: "undetermined", reason: "no answer from ghcr.io" } as const;
  const nothing = report(settled(outcome, { failures: 8 }));
  assert.equal(nothing.conclusion, "action_required");
  assert.equal(nothing.title, "undetermined: could not look, after 8 tries");
  assert.ok(nothing.summary.startsWith("**? Undetermined**: no answer from `ghcr.io`\n"));
  assert.ok(nothing.summary.includes("What to do: "));
  const app = node("app", { finding: { kind: "unreachable", code: "network", reason: "no route" } });
  const seen = verdict([app], { outcome: "undetermined", unreachable: [fault("network", [app])] });
  const known = report(settled(outcome), [judgedBy(seen)]);
  assert.ok(known.summary.includes("\n### What could not be looked at\n\n- `network`: "));
  assert.ok(known.text?.includes("? unreachable image"));
});

test("shows the end of the log of a build that failed, as it stands", () => {
  const log = "#7 RUN make\r\n#7 0.3 ```\n@octocat make: *** [all] Error 2\n";
  const said = report(settled({ kind: "build-failed", conclusion: "failure", log }));
  assert.equal(said.conclusion, "failure");
  assert.equal(said.title, "build failed: the workflow's run ended with failure");
  assert.equal(
    said.summary,
    `**✖ Build failed**: [\`run 9001, attempt 1\`](https://github.com/acme/app/actions/runs/9001) ended with \`failure\`. Nothing was judged.

${ASKED}`,
  );
  assert.equal(
    said.text,
    "### The end of the log\n\n````text\n#7 RUN make\n#7 0.3 ```\n@octocat make: *** [all] Error 2\n````",
  );
  const without = report(settled({ kind: "build-failed", conclusion: "startup_failure", log: undefined }));
  assert.ok(without.summary.includes("There is no log of a job that failed."));
  assert.equal(without.text, undefined);
});

test("tells every fault of a policy with its line and column", () => {
  const faults = [
    { line: 4, column: 7, path: "trust.builders[0]", message: "unknown key" },
    { line: 9, column: 1, path: "", message: "Implicit keys need to be on a single line | <b>" },
  ];
  const policy = "acme/app/.github/trusted-builds.yml";
  const said = report(settled({ kind: "policy-wrong", policy, faults }, { request: undefined, run: undefined }));
  assert.equal(said.conclusion, "failure");
  assert.equal(said.title, `policy can't be used: 2 faults in ${policy}`);
  assert.ok(
    said.summary.includes(`
| line | column | where | what is wrong |
|---:|---:|---|---|
| 4 | 7 | \`trust.builders[0]\` | unknown key |
| 9 | 1 |  | Implicit keys need to be on a single line \`\\u{7c}\` \`<b>\` |
`),
  );
});

test("a person's cancelling, a missing workflow and an unusable tag each say so, and none of them passes", () => {
  const cancelled = report(settled({ kind: "cancelled" }));
  assert.deepEqual([cancelled.conclusion, cancelled.title], ["cancelled", "cancelled: nothing was judged"]);
  const missing = report(settled({ kind: "no-workflow", reason: "not at refs/tags/v1.0.0" }));
  assert.equal(missing.conclusion, "failure");
  assert.ok(missing.summary.includes("`.github/workflows/trusted-builds.yml` has to be in the repository both"));
  const unusable = report(settled({ kind: "tag-unusable", reason: "it makes v1/x" }));
  assert.equal(unusable.conclusion, "failure");
  assert.equal(unusable.title, "not built: v1.0.0 makes no tag of an image");
});

test("counts images over platforms once, and says where an ancestry ends", () => {
  const titleOf = (given: Verdict) => report(settled(isTrusted), [judgedBy(given)]).title;
  const root = { kind: "root", reason: "looked", expires: "2099-01-01", policyPath: "trust.roots[0]" } as const;
  assert.equal(titleOf(chainOf({ finding: root }, { level: 0 })), "trusted: 3 images down to 1 named root, level 0");
  assert.equal(
    titleOf(chainOf({ finding: { kind: "allowed" } })),
    "trusted: 2 images, 1 not judged by policy, level 2",
  );
  const arm = { platform: parsePlatform("linux/arm64"), isFromScratch: true };
  const amd = node("app", { isFromScratch: true });
  const other = { ...node("app", arm), id: "app on arm" };
  const platforms = [amd, other].map(
    (each) =>
      ({ platform: each.platform, node: each.id, outcome: "trusted", counts: true, dependencyLevels: {} }) as const,
  );
  assert.equal(titleOf(verdict([amd, other], { platforms })), "trusted: 1 image down to scratch, 2 platforms, level 2");
});

const OUTCOMES: readonly Outcome[] = [
  { kind: "undetermined", reason: "why" },
  { kind: "build-failed", conclusion: "failure", log: "log" },
  { kind: "cancelled" },
  { kind: "policy-wrong", policy: "policy", faults: [{ line: 1, column: 1, path: "a", message: "b" }] },
  { kind: "no-workflow", reason: "why" },
  { kind: "tag-unusable", reason: "why" },
];

test("nothing that strangers wrote becomes markup, in any phase, outcome or finding", () => {
  const waiting = { reason: "why", until: new Date("2027-02-01T12:01:00Z") };
  const whole: BuildRequest = {
    ...request,
    context: "a",
    target: "b",
    platforms: ["c"],
    secrets: ["d"],
    buildArgs: { e: "f" },
  };
  const plain = [build(), build({ waiting }), build({ phase: "dispatched", run }), build({ phase: "verifying", run })];
  const judged = findings.map((finding) => {
    const given = chainOf({ finding, warnings: ["beware"] });
    const [app = node("app")] = given.nodes;
    const faults = [fault("unattested", [app])];
    return judgedBy({ ...given, faults, unreachable: faults }, { isProtected: false });
  });
  const reports = [
    ...[...plain, ...OUTCOMES.map((outcome) => settled(outcome))].map((each) =>
      report(hostile({ ...each, request: whole })),
    ),
    ...judged.map((each) => report(hostile(settled(isUntrusted)), [hostile(each)])),
  ];
  for (const { title, summary, text = "" } of reports) {
    assert.doesNotMatch(title, /[\p{Cc}\p{Cf}]/u);
    for (const markdown of [summary, text]) {
      const { lines, links, isClosed } = bare(markdown);
      assert.ok(isClosed, markdown);
      for (const line of lines) {
        assert.doesNotMatch(line, /octocat|[@<>[\]&\\~$`]|!\[|^#(?!## [A-Z])|\.example|GH-/u, line);
      }
      for (const url of links) assert.doesNotMatch(url, /^(?!https:\/\/(?:builds\.example|github\.com)\/)/, url);
      const rows = lines.filter((line) => line.startsWith("|"));
      for (const each of rows) assert.ok([5, 8].includes(each.split("|").length - 1), each);
    }
  }
});

test("fits a large ancestry, log and policy into GitHub's limits, and says what is cut and where the whole is", () => {
  const names = Array.from({ length: 512 }, (_, i) => `image-${i}`);
  const nodes = names.map((name, i) =>
    node(name, { parents: names.slice(i + 1, i + 2).map((to) => ({ role: "base", to })) }),
  );
  const steps = nodes.map((each, i) => [each, i === 0 ? undefined : "base"] as const);
  const faults = Array.from({ length: 512 }, (_, i) => fault(`code-${i}`, ...steps.slice(0, i + 1)));
  const deep = judgedBy(verdict(nodes, { outcome: "untrusted", faults }));
  const wide = node("app", { parents: names.slice(1).map((to) => ({ role: "input", to })) });
  const broad = judgedBy(verdict([wide, ...nodes.slice(1).map((each) => ({ ...each, parents: [] }))]));
  const log = "x".repeat(200_000).replace(/.{100}/g, "$&\n");
  const wrong = Array.from({ length: 101 }, () => ({
    line: 1,
    column: 1,
    path: "a".repeat(900),
    message: "é ".repeat(900),
  }));
  const reports = [
    report(settled(isUntrusted), [deep]),
    report(settled(isTrusted), [broad]),
    report(settled({ kind: "build-failed", conclusion: "failure", log })),
    report(settled({ kind: "policy-wrong", policy: "p".repeat(500), faults: wrong })),
  ];
  for (const { title, summary, text = "" } of reports) {
    assert.ok(Buffer.byteLength(title) <= MAX_TITLE);
    for (const markdown of [summary, text]) {
      assert.ok(Buffer.byteLength(markdown) <= MAX_MARKDOWN);
      assert.ok(bare(markdown).isClosed);
    }
    assert.match(summary + text, new RegExp(`… cut: [0-9]+ of [0-9]+ lines are left out; the whole is at <${page}>`));
    assert.ok(summary.includes(`](${page})`), "what is short is whole");
  }
});

test("says the same of the same to the byte", () => {
  const once = () =>
    JSON.stringify(report(settled(isUntrusted), [judgedBy(trusted), judgedBy(untrusted, organisation)]));
  assert.equal(once(), once());
});
