import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import type { Answer } from "../../src/report/answers.ts";
import { verdictDocument } from "../../src/report/json.ts";
import { verdictsSarif } from "../../src/report/sarif.ts";
import { answered, trusted, undetermined, untrusted, unusable } from "./answered.ts";
import { hostile } from "./hostile.ts";
import { chainOf, digest, fault, node, verdict } from "./verdicts.ts";

/** Plain text of a message (§3.11): no link, no placeholder, no escape that isn't one. */
const plain = z.string().regex(/^(?:[^\\[\]{}]|\\[\\[\]]|\{\{|\}\})*$/u);
const message = z.strictObject({ text: plain });
const level = z.enum(["error", "warning"]);

/** SARIF 2.1.0, as far as it is written here, with what its schema and GitHub's code scanning demand. */
const sarif = z.strictObject({
  $schema: z.url(),
  version: z.literal("2.1.0"),
  runs: z.tuple([
    z.strictObject({
      tool: z.strictObject({
        driver: z.strictObject({
          name: z.string().min(1),
          version: z.string().min(1),
          informationUri: z.url(),
          rules: z.array(
            z.strictObject({
              id: z.string().min(1),
              name: z.string().min(1),
              shortDescription: message,
              fullDescription: z.strictObject({ text: plain.max(1024) }),
              help: z.strictObject({ text: plain, markdown: z.string().min(1) }),
              helpUri: z.url(),
              defaultConfiguration: z.strictObject({ level }),
              properties: z.strictObject({ tags: z.array(z.string()) }),
            }),
          ),
        }),
      }),
      invocations: z.tuple([
        z.strictObject({
          executionSuccessful: z.boolean(),
          toolExecutionNotifications: z.array(z.strictObject({ level, message })).min(1).optional(),
        }),
      ]),
      results: z.array(
        z.strictObject({
          ruleId: z.string().min(1),
          ruleIndex: z.int().min(0),
          level,
          message,
          locations: z.tuple([
            z.strictObject({
              physicalLocation: z.strictObject({
                artifactLocation: z.strictObject({ uri: z.string().regex(/^[\w.~%/!'()*-]+$/) }),
                region: z.strictObject({
                  startLine: z.int().min(1),
                  startColumn: z.int().min(1),
                  endLine: z.int().min(1),
                  endColumn: z.int().min(1),
                }),
              }),
              logicalLocations: z.tuple([
                z.strictObject({
                  name: z.string().min(1),
                  fullyQualifiedName: z.string().min(1),
                  kind: z.literal("resource"),
                }),
              ]),
            }),
          ]),
          partialFingerprints: z.strictObject({
            primaryLocationLineHash: z.string().regex(/^[0-9a-f]{64}:[0-9]+$/),
            "trustedBuilds/v1": z.string(),
          }),
        }),
      ),
      columnKind: z.literal("utf16CodeUnits"),
      properties: z.strictObject({
        verdicts: z.array(z.looseObject({ image: z.string(), verdict: z.string().nullable() })),
      }),
    }),
  ]),
});

const runOf = (...answers: readonly Answer[]) => sarif.parse(JSON.parse(verdictsSarif(answers, "1.2.3"))).runs[0];
const prints = (...answers: readonly Answer[]) =>
  runOf(...answers).results.map(({ partialFingerprints: { primaryLocationLineHash } }) => primaryLocationLineHash);

test("tells each fault as an error, with its rule, and the path of images as its logical location", () => {
  const { results, tool, invocations } = runOf(answered(untrusted));
  const { rules } = tool.driver;
  assert.deepEqual(
    results.map(({ ruleId, ruleIndex, level: each }) => [ruleId, rules[ruleIndex]?.id, each]),
    [
      ["unattested", "unattested", "error"],
      ["workflow", "workflow", "error"],
    ],
  );
  const short = (name: string) => `ghcr.io/acme/${name}:1.0.0@${digest(name).slice(7, 19)}`;
  const [first] = results;
  assert.deepEqual(first?.locations[0].logicalLocations[0], {
    name: short("base"),
    fullyQualifiedName: `${short("app")} → base ${short("runtime")} → base ${short("base")}`,
    kind: "resource",
  });
  assert.equal(first?.locations[0].physicalLocation.artifactLocation.uri, "ghcr.io/acme/app%3A1.0.0");
  for (const word of ["why unattested", "how to mend unattested"]) assert.ok(first?.message.text.includes(word));
  assert.equal(invocations[0].executionSuccessful, true);
});

test("R15 tells what could not be looked at as a warning, and never that the run was a success", () => {
  const { results, invocations } = runOf(answered(undetermined));
  assert.deepEqual(
    results.map(({ ruleId, level: each }) => [ruleId, each]),
    [["network", "warning"]],
  );
  assert.equal(invocations[0].executionSuccessful, false);
  assert.equal(invocations[0].toolExecutionNotifications?.length, 1);
  const both = runOf(answered(untrusted), answered(trusted), answered(undetermined));
  assert.equal(both.invocations[0].executionSuccessful, false);
  assert.equal(both.results.length, 3);
});

test("has no result for a trusted image, and one at least for every other", () => {
  assert.deepEqual(runOf(answered(trusted)).results, []);
  assert.equal(runOf(answered(trusted)).invocations[0].executionSuccessful, true);
  for (const outcome of ["untrusted", "undetermined"] as const) {
    const { results } = runOf(answered(verdict([node("app")], { outcome })));
    assert.deepEqual(
      results.map(({ ruleId, level: each }) => [ruleId, each]),
      [[outcome, outcome === "untrusted" ? "error" : "warning"]],
    );
  }
});

test("an image without a verdict is no success, and is told", () => {
  const { invocations, properties } = runOf(answered(trusted), unusable);
  assert.equal(invocations[0].executionSuccessful, false);
  assert.deepEqual(
    properties.verdicts.map((each) => each.verdict),
    ["trusted", null],
  );
});

test("each rule has help, and leads to the rule that decides where there is one", () => {
  const { rules } = runOf(answered(untrusted), answered(undetermined)).tool.driver;
  assert.deepEqual(
    rules.map(({ id, properties }) => [id, properties.tags.at(-1)]),
    [
      ["network", "R15"],
      ["unattested", "R15"],
      ["workflow", "R7"],
    ],
  );
  assert.ok(rules.every(({ helpUri }) => helpUri.endsWith("/docs/rules.md")));
});

test("a code without words is told all the same", () => {
  const app = node("app");
  const { results, tool } = runOf(
    answered(verdict([app], { outcome: "untrusted", faults: [fault("brand-new", [app])] })),
  );
  assert.deepEqual([results[0]?.ruleId, tool.driver.rules[0]?.id], ["brand-new", "brand-new"]);
});

test("a fault is the same finding in the next build of the image, and another than its neighbour's", () => {
  const [one, other] = prints(answered(untrusted));
  assert.notEqual(one, other);
  const next = structuredClone(verdictDocument(untrusted));
  const moved = JSON.parse(
    JSON.stringify({ ...next, asOf: "2027-05-01T00:00:00.000Z" })
      .replaceAll(/sha256:[0-9a-f]{64}/g, digest("another build"))
      .replaceAll("why ", "because "),
  );
  assert.deepEqual(prints({ kind: "verdict", document: moved }), [one, other]);
});

test("two findings never share a fingerprint: one would hide the other", () => {
  const all = prints(answered(untrusted), answered(untrusted));
  assert.equal(new Set(all).size, 4);
});

test("what strangers write is neither link, placeholder, line nor control character", () => {
  const given = chainOf({ finding: { kind: "unattested" } });
  const [app] = given.nodes;
  assert.ok(app);
  const link = "[click](https://evil.example) {0} \\[";
  const faults = [{ ...fault("unattested", [app]), reason: link, mend: link }];
  const document = hostile(verdictDocument({ ...given, outcome: "untrusted", faults }));
  const text = verdictsSarif([{ kind: "verdict", document }, hostile(unusable)], "1");
  assert.doesNotMatch(text, /[^\n\P{Cc}]|[\p{Cf}\p{Zl}\p{Zp}]/u);
  const bare = { ...document, faults: [], nodes: [] };
  for (const { locations } of runOf({ kind: "verdict", document: bare }).results)
    assert.doesNotMatch(JSON.stringify(locations), /[\p{Cc}\p{Cf}]|\\u00/u);
  // The schema of the messages is what holds the rest.
  const [run] = sarif.parse(JSON.parse(text)).runs;
  assert.ok(run.results[0]?.message.text.includes("\\[click\\](https://evil.example) {{0}}"));
});
