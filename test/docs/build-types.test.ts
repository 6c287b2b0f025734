import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { BUILD_TYPES, type BuildType } from "../../src/attestation/build-type.ts";

/** An expression as people write it: a version where it takes one. */
const nameOf = (recognised: BuildType["recognised"][number]) =>
  typeof recognised === "string"
    ? recognised
    : recognised.source
        .replaceAll(/\\([/.])/g, "$1")
        .replace(/^\^(.*)\$$/, "$1")
        .replace("[0-9]+.[0-9]+.[0-9]+", "VERSION");

const ALL = { all: "all, where it says so", some: "some", none: "none" } as const;

/** What it earns by itself: `R16 an accepted signer's Tekton provenance isn't walked …` in trust/build-type.test.ts shows the 0. */
const LEVEL = { all: "3, without steps 2", some: "0", none: "0" } as const;

test("docs/build-types.md has a row for each build type, and says of it what the code does", () => {
  const page = readFileSync("docs/build-types.md", "utf8");
  const rows = page.split("\n").filter((line) => line.startsWith("| ["));
  assert.deepEqual(
    rows,
    BUILD_TYPES.map(
      ({ name, recognised, records, what, roles, source }) =>
        `| [${name}](${source}) | ${recognised.map((each) => `\`${nameOf(each)}\``).join(", ")} | ${ALL[records]} | ${roles.join(", ") || "-"} | ${LEVEL[records]} | ${what} |`,
    ),
  );
});
