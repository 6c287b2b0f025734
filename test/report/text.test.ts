import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { parsePlatform } from "../../src/image/platform.ts";
import { verdictText } from "../../src/report/text.ts";
import type { JudgedNode, Verdict } from "../../src/trust/verdict.ts";
import { chainOf, digest, fault, findings, node, provenance, verdict } from "./verdicts.ts";

const plain = (given: Verdict) => verdictText(given, { colour: false });
const linesWith = (text: string, part: string) => text.split("\n").filter((line) => line.includes(part));
/** What a person reads at the head of a node's line: shape, finding, role. */
const headOf = (text: string, name: string) => linesWith(text, `ghcr.io/acme/${name}:`)[0]?.split("  ghcr")[0];

test("draws the ancestry as a tree that ends in scratch, and says the verdict after it", () => {
  const text = plain(chainOf({ isFromScratch: true }));
  const short = (name: string) => digest(name).slice(7, 19);
  const from = "level 2, from https://github.com/acme/app at aaaaaaaaaaaa (refs/tags/v1.0.0)";
  const by = "signed by https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.0.0";
  assert.equal(
    text,
    `✔ attested image  ghcr.io/acme/app:1.0.0@${short("app")} linux/amd64
│   ${from}
│   ${by}
└─ ✔ attested base  ghcr.io/acme/runtime:1.0.0@${short("runtime")} linux/amd64
   │   ${from}
   │   ${by}
   └─ ✔ attested base  ghcr.io/acme/base:1.0.0@${short("base")} linux/amd64
      │   ${from}
      │   ${by}
      └─ ✔ scratch

✔ TRUSTED  ghcr.io/acme/app:1.0.0@${digest("app index")}
  policy  policy.yml (${chainOf({}).policy.digest})
  level   2, the lowest of 3 at level 2
  inputs  closed: all that went in was fixed by digest, commit or checksum
  as of   2027-02-01T12:00:00.000Z
`,
  );
});

test("R10 says where the source isn't proven, by what records the build, whatever vouches beside it", () => {
  const vouching = { ...provenance, record: undefined, source: "absent" } as const;
  const local = { ...provenance, source: "absent" } as const;
  const textWith = (...provenances: readonly (typeof provenance)[]) => plain(verdict([node("app", { provenances })]));
  assert.ok(!textWith(vouching, provenance).includes("not proven"));
  assert.ok(textWith(vouching, local).includes("(not proven: the build's own record names no git source)"));
  assert.ok(textWith(provenance, local).includes("(not proven"));
});

test("R20 says of every image how open its inputs are, and by what, whatever the verdict is", () => {
  const all = [
    { kind: "network", mode: "sandbox", steps: 3 },
    { kind: "network", mode: "none", steps: 1 },
    { kind: "http", uri: "https://files.example/a\u001b[31m", digest: digest("a") },
    { kind: "http", uri: "https://files.example/checked", digest: digest("a"), checksum: digest("a") },
    { kind: "git", uri: "https://github.com/o/r.git", ref: "main", commit: "a".repeat(40) },
    { kind: "git", uri: "https://github.com/o/fixed.git", ref: "a".repeat(40), commit: "a".repeat(40) },
    { kind: "imported-cache", from: "ghcr.io/acme/cache" },
  ] as const;
  const untold = ["the build's steps aren't recorded"];
  const text = plain(verdict([node("app", { inputs: { openness: "open", all, untold } })], { inputs: "open" }));
  const [line = ""] = linesWith(text, "inputs open:");
  assert.equal(
    line.trim(),
    "inputs open: 3 commands had the network; https://files.example/a\\u{1b}[31m without a checksum; https://github.com/o/r.git at main; cache imported from ghcr.io/acme/cache; the build's steps aren't recorded",
  );
  assert.ok(text.includes("  inputs  open: something could get in that nothing records\n"));
  const many = Array.from({ length: 9 }, (_, i) => ({ kind: "cache", id: `c${i}` }) as const);
  const cut = plain(verdict([node("app", { inputs: { openness: "open", all: many, untold: [] } })]));
  assert.match(cut, /cache c4; 4 more; --output json lists them all\n/);
});

test("says that a hint is one, until when a verdict holds, and that one platform alone was asked about", () => {
  const hints = [{ from: "config labels", name: "docker.io/library/alpine:3" }] as const;
  const text = plain(
    verdict([node("app", { finding: { kind: "unattested" }, hints })], {
      validUntil: new Date("2027-03-01T00:00:00Z"),
      onlyPlatform: parsePlatform("linux/amd64"),
    }),
  );
  assert.ok(
    text.includes("hint, not evidence: its config labels say that it was built on docker.io/library/alpine:3\n"),
  );
  assert.ok(text.includes("  as of   2027-02-01T12:00:00.000Z, until 2027-03-01T00:00:00.000Z at most\n"));
  assert.ok(text.includes("  only    linux/amd64, as was asked: nothing is said of other platforms\n"));
});

test("gives no tick to what rests on something that isn't in order", () => {
  for (const finding of findings) {
    const text = plain(chainOf({ finding }));
    const isSound = ["attested", "scratch", "root", "summarised", "pinned", "allowed"].includes(finding.kind);
    for (const name of ["app", "runtime"]) {
      assert.match(headOf(text, name) ?? "", isSound ? /✔ attested/ : /○ attested/, `${finding.kind} under ${name}`);
    }
  }
});

test("says of every finding in its line what it is, and why below it", () => {
  for (const finding of findings) {
    const text = plain(chainOf({ finding }));
    assert.match(headOf(text, "base") ?? "", new RegExp(`[✔✖?◆] ${finding.kind} base$`));
    const reason = "reason" in finding ? finding.reason : finding.kind === "refused" ? "another workflow" : undefined;
    if (reason !== undefined) assert.ok(text.includes(reason), finding.kind);
    if ("code" in finding) assert.ok(text.includes(`${finding.code}: `), finding.kind);
  }
});

test("R27 never draws a root as attested, and says its reason and its last day", () => {
  const rootUntil = (expires: string) =>
    plain(chainOf({ finding: { kind: "root", reason: "looked at it", expires, policyPath: "trust.roots[0]" } }));
  const far = rootUntil("2099-03-01");
  assert.match(headOf(far, "base") ?? "", /◆ root base$/);
  assert.ok(far.includes("trust.roots[0]: looked at it; until 2099-03-01\n"));
  assert.ok(far.includes("ends in 1 named root\n"));
});

test("draws a parent of several once", () => {
  const base = node("base", { isFromScratch: true });
  const runtime = node("runtime", { parents: [{ role: "base", to: "base" }] });
  const app = node("app", {
    parents: [
      { role: "base", to: "runtime" },
      { role: "input", to: "base" },
      { role: "input", to: "runtime" },
    ],
  });
  const text = plain(verdict([app, runtime, base]));
  assert.equal(linesWith(text, "scratch").length, 1);
  assert.equal(headOf(text, "runtime"), "├─ ✔ attested base and input");
  assert.equal(linesWith(text, "(see above)").length, 1);
});

test("ends on claims that go round in a ring", () => {
  const finding = { kind: "cycle", reason: "round and round" } as const;
  const one = node("app", { finding, parents: [{ role: "base", to: "base" }] });
  const other = node("base", { finding, parents: [{ role: "base", to: "app" }] });
  assert.ok(plain(verdict([one, other], { outcome: "untrusted" })).includes("(see above)"));
});

test("tells each fault with its code, the path with roles, the reason and what would mend it", () => {
  const nodes = chainOf({ finding: { kind: "unattested" } }).nodes as [JudgedNode, JudgedNode, JudgedNode];
  const [app, runtime, base] = nodes;
  const faults = [fault("unattested", [app], [runtime, "base"], [base, "input"])];
  const text = plain(verdict(nodes, { outcome: "untrusted", faults }));
  const short = (name: string) => `ghcr.io/acme/${name}:1.0.0@${digest(name).slice(7, 19)}`;
  assert.ok(
    text.endsWith(`
What is wrong
✖ unattested  ${short("app")} → base ${short("runtime")} → input ${short("base")}
    why unattested
    mend: how to mend unattested
`),
  );
});

test("tells once what is wrong with several platforms alike, with each way there", () => {
  const [one, two, other] = ["app", "base", "runtime"].map((name) => node(name)) as [
    JudgedNode,
    JudgedNode,
    JudgedNode,
  ];
  const faults = [fault("unattested", [one]), fault("unattested", [two]), fault("workflow", [other])];
  const text = plain(verdict([one, two, other], { outcome: "untrusted", faults }));
  assert.equal(linesWith(text, "✖ unattested").length, 2);
  assert.equal(linesWith(text, "how to mend unattested").length, 1);
  assert.equal(linesWith(text, "how to mend workflow").length, 1);
});

test("tells what could not be looked at apart from what is wrong", () => {
  const finding = { kind: "unreachable", code: "network", reason: "no route" } as const;
  const app = node("app", { finding });
  const text = plain(verdict([app], { outcome: "undetermined", unreachable: [fault("network", [app])] }));
  assert.ok(text.includes("? UNDETERMINED  "));
  assert.ok(text.includes("\nWhat could not be looked at\n? network  "));
  assert.ok(!text.includes("What is wrong"));
});

test("names every platform with its verdict where there are several, and those that policy leaves out", () => {
  const arm = parsePlatform("linux/arm64");
  const amd = node("app");
  const other = node("runtime", { platform: arm, finding: { kind: "unattested" } });
  const platforms = [
    { platform: amd.platform, node: "app", outcome: "trusted", counts: true, dependencyLevels: {} },
    { platform: arm, node: "runtime", outcome: "untrusted", counts: false, dependencyLevels: {} },
  ] as const;
  const text = plain(verdict([amd, other], { platforms }));
  assert.ok(text.includes("  of      linux/amd64 trusted, linux/arm64 untrusted (policy doesn't judge it)\n"));
  assert.equal(linesWith(text, "policy doesn't judge this platform").length, 1);
  assert.ok(!plain(verdict([amd])).includes("\n  of "));
});

test("lists each reason for refusing once, and says how many it leaves out", () => {
  const refusal = (reason: string, where: string) => ({ code: "workflow", reason, where }) as const;
  const alike = [refusal("same", "referrer a"), refusal("same", "referrer b")];
  const text = plain(chainOf({ finding: { kind: "refused", refusals: alike } }));
  assert.equal(linesWith(text, "same").length, 1);
  assert.ok(text.includes("[referrer a, and 1 more alike]"));
  const many = Array.from({ length: 9 }, (_, i) => refusal(`reason ${i}`, "referrer"));
  const cut = plain(chainOf({ finding: { kind: "refused", refusals: many } }));
  assert.equal(linesWith(cut, "workflow: reason").length, 5);
  assert.ok(cut.includes("and 4 other reasons"));
});

test("has colours where they are wanted, and says the same without", () => {
  const given = chainOf({ finding: { kind: "unattested" } }, { outcome: "untrusted" });
  const coloured = verdictText(given, { colour: true });
  assert.notEqual(coloured, plain(given));
  assert.equal(stripVTControlCharacters(coloured), plain(given));
});
