/** A rule of judgement, in a few words, and the codes that tell a breach of it. */
interface Rule {
  readonly rule: string;
  readonly title: string;
  /** Codes beside those that the fault table has for the rule. */
  readonly codes?: readonly string[];
  /** What of it doesn't hold yet, and which issue it waits for. */
  readonly left?: string;
}

/** All of them. Every one needs a test whose name begins with its number, but for those of which nothing holds yet. */
export const RULES: readonly Rule[] = [
  { rule: "R1", title: "a verdict belongs to whoever asks, and names its policy" },
  {
    rule: "R2",
    title: "a verdict passes the repository's policy and the organisation's, or the proof that there is none",
  },
  {
    rule: "R3",
    title: "nobody speaks for a name whose repository isn't his; what was found for one asker answers no other",
    left: "rival claims to a public name, side by side, come with public pages (issue 6)",
  },
  { rule: "R4", title: "image name, source repository and builder are accepted together" },
  {
    rule: "R5",
    title: "the default policy accepts the namespace's owner on ghcr.io, and nobody elsewhere",
    codes: ["source-owner", "default-branch-unknown"],
  },
  { rule: "R6", title: "what the certificate doesn't say is a mismatch; dangerous events never count" },
  { rule: "R7", title: "the builder is the build signer, matched whole" },
  { rule: "R8", title: "numbers go before names: a rename keeps trust, a transfer and a name taken over don't" },
  {
    rule: "R9",
    title: "run and signed parameters are those that policy asks for; an own build is of the run that was started",
    codes: ["parameters", "unknown-parameter"],
  },
  { rule: "R10", title: "the build's git source is the certificate's" },
  { rule: "R11", title: "provenance inside an index counts only if its signer builds and it is tied to the run" },
  { rule: "R12", title: "only a proven time counts, and any overlap with a revoked window revokes" },
  { rule: "R13", title: "every digest of a subject that can be computed must match" },
  { rule: "R14", title: "only the cryptographic result is kept" },
  { rule: "R15", title: "evidence counts wherever it stands, and could-not-look is neither verdict" },
  { rule: "R16", title: "parents are all images that list, steps or request name" },
  { rule: "R17", title: "all accepted provenance counts together, and nothing else changes the verdict" },
  { rule: "R18", title: "scratch needs proof, and nothing is never trusted" },
  { rule: "R19", title: "base, input, frontend and tool are told apart, each judged by its rule" },
  {
    rule: "R20",
    title: "inputs that aren't images are edges too, and a verdict says how open they are",
    codes: ["input-network", "input-cache", "input-privileged"],
  },
  { rule: "R21", title: "the base's layers lie underneath" },
  { rule: "R22", title: "a known image that lies under another is named by it" },
  { rule: "R23", title: "bytes that can be read in two ways are refused" },
  { rule: "R24", title: "every entry of an index is judged" },
  {
    rule: "R25",
    title: "an unsigned index is trusted only if one run made its images",
    codes: ["mixed-index"],
  },
  {
    rule: "R26",
    title: "an image asked by tag was built from a git tag that gives it",
    codes: ["git-tag-moved", "tag-went-back"],
  },
  { rule: "R27", title: "revoked goes before mismatch, before root, before summary, before attested" },
  {
    rule: "R28",
    title: "a verifier's summary ends a walk only as policy names it, about this image, high and young enough",
    codes: [
      "vsa-malformed",
      "vsa-subject",
      "vsa-verifier",
      "vsa-signer",
      "vsa-policy",
      "vsa-resource",
      "vsa-result",
      "vsa-level",
      "vsa-dependencies",
      "vsa-time",
      "vsa-age",
      "vsa-revocation",
    ],
  },
  { rule: "R29", title: "the level is the least of policy and evidence, over the whole ancestry" },
  { rule: "R30", title: "policy says which platforms count", codes: ["platform-not-found"] },
  { rule: "R31", title: "a build has one key, and a tag's check run a name that no pull request has" },
  { rule: "R32", title: "credentials go to their registry and its realm alone" },
  { rule: "R33", title: "verifying needs little power, and numbers are kept from the first day" },
  {
    rule: "R34",
    title: "a verdict says as of when it holds, and what it rests on by digest",
    left: "one file of all that, judged again offline as it was then and as is known now (issue 6)",
  },
  {
    rule: "R35",
    title: "a check fails by what policy enforces, tampering in every mode, and no conclusion is neutral",
    left: "pull requests, which have a base branch to compare with (issue 5); grace at admission (issue 6)",
  },
];

/** A test by the file that it stands in. */
export interface NamedTest {
  readonly file: string;
  readonly name: string;
}

/** The tests that a file names in its text; those that a table makes are told by the table. */
export function testsIn(file: string, text: string): readonly NamedTest[] {
  return [...text.matchAll(/\btest\(\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|`([^`$]*))/g)].map(
    ([, double, single, template]) => ({ file, name: unescaped(double ?? single ?? template ?? "") }),
  );
}

/** Whether a test's name begins with the rule's number. */
export function isOf({ name }: NamedTest, rule: string): boolean {
  return new RegExp(`^(?:R\\d+(?:, | and | ))*${rule}\\b`).test(name);
}

/** Every rule of the table without a test of its own, in words. */
export function rulesWithoutTests(tests: readonly NamedTest[]): readonly string[] {
  return RULES.filter(({ rule }) => !tests.some((test) => isOf(test, rule))).map(
    ({ rule, title }) => `${rule} (${title}): no test's name begins with it`,
  );
}

/**
 * The page `docs/rules.md`.
 *
 * @param codes - Each rule with a code by which a breach of it is told.
 */
export function rulesPage(
  tests: readonly NamedTest[],
  codes: readonly (readonly [rule: string, code: string])[],
): string {
  return [
    "# Which test holds which rule",
    "",
    "Written by `node scripts/docs.ts`, and held equal by a test. Rules are numbered as in the tests' names: `npm test --",
    "--test-name-pattern=R11` runs those of one rule. The codes are those by which [the fault table](fault-table.md) tells a breach.",
    "",
    "| rule | what it holds | codes | tests |",
    "|---|---|---|---|",
    ...RULES.map(({ rule, title, codes: more = [], left }) => {
      const own = new Set([...codes.flatMap(([of, code]) => (of === rule ? [code] : [])), ...more]);
      const files = new Set(tests.filter((test) => isOf(test, rule)).map(({ file }) => file));
      const links = [...files].sort().map((file) => `[${file.replace(/^test\/|(\.test)?\.ts$/g, "")}](../${file})`);
      const what = left === undefined ? title : `${title}. Left: ${left}`;
      return `| ${rule} | ${what} | ${[...own]
        .sort()
        .map((code) => `\`${code}\``)
        .join(", ")} | ${links.join(", ")} |`;
    }),
    "",
  ].join("\n");
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, "$1");
}
