import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { verdictDocument, verdictJson, verdictSchema } from "../../src/report/json.ts";
import { chainOf, fault, findings, node, provenance, verdict } from "./verdicts.ts";

const docs = fileURLToPath(new URL("../../docs/", import.meta.url));

test("writes every kind of finding in the form of the schema, as JSON that reads back to the same", () => {
  for (const finding of findings) {
    const given = chainOf({ finding });
    const document = verdictDocument(given);
    assert.deepEqual(verdictSchema.parse(document), document);
    assert.deepEqual(JSON.parse(verdictJson(given)), document);
    assert.equal(document.nodes.at(-1)?.finding.kind, finding.kind);
  }
});

test("leaves nothing of a fault out", () => {
  const [app, base] = [node("app"), node("base")];
  const given = verdict([app, base], { outcome: "untrusted", faults: [fault("unattested", [app], [base, "input"])] });
  assert.deepEqual(verdictDocument(given).faults, [
    {
      code: "unattested",
      reason: "why unattested",
      node: "base",
      path: [
        { node: "app", role: null },
        { node: "base", role: "input" },
      ],
      mend: "how to mend unattested",
    },
  ]);
});

test("R10 what records no images neither proves the source of a build nor leaves it unproven", () => {
  const vouching = { ...provenance, record: undefined, source: "absent" } as const;
  const local = { ...provenance, source: "absent" } as const;
  const provenOf = (...provenances: readonly (typeof provenance)[]) =>
    verdictDocument(verdict([node("app", { provenances })])).nodes[0]?.sourceProven;
  assert.equal(provenOf(vouching), null);
  assert.equal(provenOf(vouching, provenance), true);
  assert.equal(provenOf(vouching, local), false);
  assert.equal(provenOf(provenance, local), false);
});

test("says which refusals a refused image was refused for", () => {
  const refusal = (reason: string) => ({ code: "workflow", reason, where: "referrer" }) as const;
  const refusals = [refusal("junk"), refusal("why")];
  const given = chainOf({ finding: { kind: "refused", refusals: [refusal("why")] }, refusals });
  assert.deepEqual(
    verdictDocument(given)
      .nodes.at(-1)
      ?.refusals.map(({ reason, decisive }) => [reason, decisive]),
    [
      ["junk", false],
      ["why", true],
    ],
  );
});

// UPDATE_DOCS=1 writes the file anew after a change of the schema.
test("docs/verdict.schema.json is the schema", () => {
  const path = `${docs}verdict.schema.json`;
  const text = `${JSON.stringify(z.toJSONSchema(verdictSchema), null, 2)}\n`;
  if (process.env.UPDATE_DOCS) writeFileSync(path, text);
  assert.ok(existsSync(path));
  assert.deepEqual(JSON.parse(readFileSync(path, "utf8")), JSON.parse(text));
});

test("docs/verdict.md explains every field, and every kind of finding", () => {
  const text = readFileSync(`${docs}verdict.md`, "utf8");
  const kinds = verdictSchema.shape.nodes.element.shape.finding.shape.kind.options;
  assert.deepEqual([...kinds].sort(), findings.map(({ kind }) => kind).sort());
  for (const kind of kinds) assert.match(text, new RegExp(`^\\| \`${kind}\` \\|`, "m"), kind);
  const fieldsOf = (schema: z.ZodType): string[] => {
    if (schema instanceof z.ZodObject)
      return Object.entries<z.ZodType>(schema.shape).flatMap(([name, inner]) => [name, ...fieldsOf(inner)]);
    if (schema instanceof z.ZodArray) return fieldsOf(schema.element as z.ZodType);
    if (schema instanceof z.ZodDefault || schema instanceof z.ZodNullable)
      return fieldsOf(schema.unwrap() as z.ZodType);
    return [];
  };
  for (const field of fieldsOf(verdictSchema)) assert.ok(text.includes(`\`${field}\``), `${field} is explained`);
});

const codesIn = (path: string, type: string): string[] => {
  const source = readFileSync(fileURLToPath(new URL(`../../src/${path}`, import.meta.url)), "utf8");
  const [, body = ""] = new RegExp(`export type ${type} =(.*?);\\n`, "s").exec(source) ?? [];
  return [...body.matchAll(/\| "([a-z0-9-]+)"/g)].map(([, code = ""]) => code);
};

test("docs/verdict.md explains every code of findings and refusals", () => {
  const text = readFileSync(`${docs}verdict.md`, "utf8");
  const unions = [
    ["trust/finding.ts", "OpaqueCode"],
    ["trust/finding.ts", "InputCode"],
    ["trust/finding.ts", "UnresolvedCode"],
    ["trust/finding.ts", "MismatchCode"],
    ["trust/finding.ts", "RefusalCode"],
    ["trust/finding.ts", "VsaRefusalCode"],
    ["trust/ports.ts", "RejectionCode"],
    ["trust/ports.ts", "CouldNotLookCode"],
    ["image/manifest.ts", "ImageFormatErrorCode"],
    ["image/json.ts", "JsonErrorCode"],
  ] as const;
  for (const [path, type] of unions) {
    const codes = codesIn(path, type);
    assert.ok(codes.length > 3, type);
    for (const code of codes) assert.ok(text.includes(`\`${code}\``), `${type} ${code} is explained`);
  }
});
