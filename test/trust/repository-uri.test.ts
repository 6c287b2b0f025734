import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  foldCase,
  gitRepositoryPath,
  isSameRepository,
  parseRunUri,
  repositoryPath,
} from "../../src/trust/repository-uri.ts";
import { isTied, runTie, sourceTie } from "../../src/trust/ties.ts";
import { commit, extensions, policyWith, workflowOf } from "./verified.ts";

const server = "https://github.com";

test("R10 a certificate's repository is the server, an owner and a name, and nothing more", () => {
  assert.equal(repositoryPath("https://github.com/Acme/App", server), "acme/app");
  assert.equal(repositoryPath("https://github.com/acme/.github", server), "acme/.github");
  const others = [
    "https://github.com/acme/app.git",
    "https://github.com/acme/app/",
    "https://github.com/acme/app\n",
    "https://github.com/acme",
    "https://github.com/acme/app/x",
    "https://github.com/acme/..",
    "https://github.com/./app",
    "https://github.com//app",
    "https://github.com/acme/a%70p",
    "https://github.com/acme/app?x",
    "https://github.com/acme/app#x",
    "https://github.com@evil.example/acme/app",
    "https://user:pass@github.com/acme/app",
    "https://github.com:443/acme/app",
    "http://github.com/acme/app",
    "https://github.community/acme/app",
    "https://github.com\\acme\\app",
    "https:github.com/acme/app",
    "https://\uff47ithub.com/acme/app",
    "https://github.com/acme/boo\u212a",
    "acme/app",
    "",
  ];
  for (const other of others) assert.equal(repositoryPath(other, server), undefined, other);
});

test("R10 a git source may also end in .git and a slash", () => {
  for (const uri of [
    "https://github.com/acme/app.git",
    "https://github.com/acme/app.git/",
    "https://github.com/ACME/app",
  ])
    assert.equal(gitRepositoryPath(uri, server), "acme/app", uri);
  for (const uri of [
    "https://github.com/acme/app.git.git",
    "https://user@github.com/acme/app.git",
    "https://github.com/evil/../acme/app.git",
    "https://github.com/acme/x.git/app.git/y",
  ])
    assert.equal(gitRepositoryPath(uri, server), undefined, uri);
});

test("R10 two texts that are no repositories are not the same one", () => {
  assert.ok(!isSameRepository("", "", server));
  assert.ok(isSameRepository("https://github.com/acme/app", "https://github.com/ACME/app", server));
  assert.ok(!isSameRepository("https://github.com/acme/app", "https://ghes.example/acme/app", server));
});

test("R10 folding case changes A to Z and no other character", () => {
  assert.equal(foldCase("AbZ\u212a\u0130É"), "abz\u212a\u0130É");
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => foldCase(text).length === text.length));
});

test("R9 reads a run with and without its attempt", () => {
  assert.deepEqual(parseRunUri("https://github.com/Acme/app/actions/runs/12/attempts/3", server), {
    repository: "acme/app",
    run: "12",
    attempt: "3",
  });
  assert.deepEqual(parseRunUri("https://github.com/acme/app/actions/runs/12", server), {
    repository: "acme/app",
    run: "12",
    attempt: undefined,
  });
  for (const uri of [
    "/actions/runs/12",
    "https://github.com/acme/app/actions/runs/012",
    "https://github.com/acme/app/actions/runs/12/",
    "https://github.com/acme/app/actions/runs/12/job/4",
    "https://github.com/acme/app/x/actions/runs/12",
    "https://evil.example/acme/app/actions/runs/12",
    "https://github.com/acme/app/actions/runs/12\n",
  ])
    assert.equal(parseRunUri(uri, server), undefined, uri);
});

const by = { builder: workflowOf(policyWith().builders[0]), captures: {} };
const identity = { kind: "certificate", issuer: "", subjectAlternativeName: "", extensions } as const;

test("R10 the source agrees only at the certificate's repository and commit", () => {
  const tie = (
    source: { uri: string; commit?: string } | undefined,
    signer: Parameters<typeof sourceTie>[1] = identity,
  ) => sourceTie({ ...(source && { source }) } as Parameters<typeof sourceTie>[0], signer, by);
  assert.equal(tie({ uri: "https://github.com/acme/app.git", commit }), "agrees");
  assert.equal(tie(undefined), "absent");
  assert.equal(tie({ uri: "https://github.com/acme/app.git" }), "differs");
  assert.equal(tie({ uri: "https://github.com/acme/app.git", commit: "b".repeat(40) }), "differs");
  assert.equal(tie({ uri: "https://github.com/evil/app.git", commit }), "differs");
  assert.equal(tie({ uri: "https://evil.example/acme/app.git", commit }), "differs");
  const { sourceRepositoryDigest: _, ...withoutCommit } = extensions;
  assert.equal(tie({ uri: "https://github.com/acme/app.git" }, { ...identity, extensions: withoutCommit }), "differs");
});

test("R11 the run agrees only if builder.id names the certificate's", () => {
  const tie = (builderId: string) => runTie({ builderId } as Parameters<typeof runTie>[0], identity, by);
  assert.equal(tie("https://github.com/acme/app/actions/runs/8791219607/attempts/1"), "agrees");
  assert.equal(tie("https://github.com/acme/app/actions/runs/8791219607"), "agrees");
  assert.equal(tie(""), "absent");
  for (const id of [
    "https://github.com/acme/app/actions/runs/8791219607/attempts/2",
    "https://github.com/acme/app/actions/runs/1",
    "https://github.com/acme/other/actions/runs/8791219607/attempts/1",
    "https://mobyproject.org/buildkit@v1",
    extensions.buildSignerUri,
  ])
    assert.equal(tie(id), "differs", id);
});

test("R11 tied is what agrees in one thing at least, and differs in none", () => {
  assert.ok(isTied(["agrees", "absent"]));
  assert.ok(isTied(["agrees", "agrees"]));
  for (const ties of [[], ["absent", "absent"], ["agrees", "differs"], ["differs", "absent"]] as const)
    assert.ok(!isTied(ties));
});
