import assert from "node:assert/strict";
import { test } from "node:test";
import { type Summary, summaryMarkdown } from "../../action/src/summary.ts";
import { digestOf } from "../../src/image/digest.ts";

const index = digestOf(Buffer.from("index"));
const manifest = digestOf(Buffer.from("manifest"));
const summary: Summary = {
  image: "ghcr.io/acme/app",
  index,
  tags: ["v1.0.0", "latest"],
  platforms: [{ platform: "linux/amd64", manifest }],
  commit: "a".repeat(40),
  sourceUrl: `https://github.com/acme/app/tree/${"a".repeat(40)}`,
  signer: "https://github.com/acme/builder/.github/workflows/build.yml@refs/tags/v1",
  warnings: [],
};

test("the summary names image, tags, source, signer and each platform, and claims no trust", () => {
  const text = summaryMarkdown(summary);
  for (const part of [`ghcr.io/acme/app@${index}`, "latest", summary.sourceUrl, summary.signer, manifest]) {
    assert.ok(text.includes(part), part);
  }
  assert.match(text, /Whether it is trusted/);
  assert.doesNotMatch(text, /warning/);
});

test("strangers' text stays text: no markup, no new line, no hidden direction", () => {
  const hostile = '</code>\n\n# Trusted\n<img src=x onerror="y">\u202e@everyone ![x](https://example.com)';
  const text = summaryMarkdown({ ...summary, tags: [hostile], signer: hostile, warnings: [hostile], commit: hostile });
  assert.doesNotMatch(text, /<img|\n# |\u202e|onerror="/);
  assert.equal(text.match(/&lt;img/g)?.length, 4);
  // Markdown is read only behind an empty line, and within the blocks there is none.
  const blocks = [...text.matchAll(/<(table|ul)>[\s\S]*?<\/\1>/g)].map(([block]) => block);
  assert.equal(blocks.length, 2);
  for (const block of blocks) assert.doesNotMatch(block, /\n\s*\n/);
  assert.doesNotMatch(text.replace(/<(table|ul)>[\s\S]*?<\/\1>/g, ""), /Trusted\b(?! build)|everyone/);
});
