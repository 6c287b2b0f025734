import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { outputOf } from "../../src/github/check-run-output.ts";

const LIMIT = 65_535;
const detailsUrl = "https://builds.example/builds/3f1c";
const report = { status: "queued", title: "t", summary: "s", detailsUrl } as const;

test("a report within GitHub's limits stays as it is", () => {
  const summary = "ä".repeat(32_767).concat("x");
  assert.equal(Buffer.byteLength(summary), LIMIT);
  const title = "x".repeat(255);
  assert.deepEqual(outputOf({ ...report, title, summary, text: summary }), { title, summary, text: summary });
  assert.deepEqual(outputOf(report), { title: "t", summary: "s" });
});

test("a longer one is cut at a line, counted in bytes, and says where the whole is", () => {
  const line = `${"ä".repeat(100)}\n`;
  const { summary, text } = outputOf({ ...report, summary: line.repeat(400), text: line.repeat(400) });
  for (const cut of [summary, text ?? ""]) {
    assert.ok(Buffer.byteLength(cut) <= LIMIT);
    assert.ok(Buffer.byteLength(cut) > LIMIT - 400);
    assert.match(cut, /^(?:ä{100}\n)+\n… cut here, .*the whole is at https:\/\/builds\.example\/builds\/3f1c\n$/);
  }
});

test("a fence that is open where a text is cut is closed, so that the pointer is no code", () => {
  for (const fence of ["```", "~~~~"]) {
    const { summary } = outputOf({ ...report, summary: `${fence}text\n${"x\n```x\n".repeat(20_000)}${fence}\n` });
    assert.ok(Buffer.byteLength(summary) <= LIMIT);
    assert.match(summary, new RegExp(`\\n${fence}\\n\\n… cut here`));
  }
  const { summary } = outputOf({ ...report, summary: `\`\`\`\nx\n\`\`\`\n${"y\n".repeat(40_000)}` });
  assert.match(summary, /y\n\n… cut here/);
});

test("a title is cut between characters", () => {
  const { title } = outputOf({ ...report, title: `${"x".repeat(253)}😀 and more` });
  assert.equal(title, `${"x".repeat(253)}…`);
});

test("whatever is reported is within the limits, and only what is too long is cut", () => {
  const lines = fc.array(fc.oneof(fc.constantFrom("```", "~~~", "ä".repeat(30_000), "x".repeat(40_000)), fc.string()));
  fc.assert(
    fc.property(lines, fc.string({ minLength: 0, maxLength: 600, unit: "grapheme" }), (parts, title) => {
      const summary = parts.join("\n");
      const output = outputOf({ ...report, title, summary });
      assert.ok(output.title.length <= 255 && output.title.isWellFormed());
      assert.ok(Buffer.byteLength(output.summary) <= LIMIT);
      assert.equal(output.summary === summary, Buffer.byteLength(summary) <= LIMIT);
    }),
    { seed: 3, numRuns: 200 },
  );
});
