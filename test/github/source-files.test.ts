import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { createSourceReader } from "../../src/github/source-files.ts";
import { BeyondLimit } from "../../src/trust/ports.ts";
import { type Api, app, couldNotLook, sha, startApi } from "./api.ts";

const COMMIT = sha("c");
const TREE = "GET /repos/acme/app/git/trees";
const WHOLE = `${TREE}/${COMMIT}?recursive=1`;
const TEXT = "FROM größer\n";
const BLOB = gitId(TEXT);

const readerOf = (api: Api) => createSourceReader({ octokitFor: async () => api.octokit });

function gitId(text: string) {
  return createHash("sha1")
    .update(`blob ${Buffer.byteLength(text)}\0${text}`)
    .digest("hex");
}

function entry(path: string, mode = "100644", id = BLOB, size = Buffer.byteLength(TEXT)) {
  const type = mode === "040000" ? "tree" : mode === "160000" ? "commit" : "blob";
  return { path, mode, type, sha: id, ...(type === "blob" && { size }) };
}

function tree(entries: readonly object[], truncated = false) {
  return { sha: sha("e"), truncated, tree: entries };
}

function blob(text: string, changes: object = {}) {
  const content = Buffer.from(text).toString("base64").replace(/.{60}/g, "$&\n");
  return { sha: BLOB, size: Buffer.byteLength(text), encoding: "base64", content, ...changes };
}

test("lists files with their ids, without links, submodules and directories", async (t) => {
  const api = startApi(t);
  api.answer(
    WHOLE,
    200,
    tree([
      entry("a", "040000", sha("1")),
      entry("a/#100% b..", "100755", sha("2")),
      entry("Dockerfile"),
      entry("link", "120000", sha("3")),
      entry("module", "160000", sha("4")),
    ]),
  );
  assert.deepEqual(
    [...(await readerOf(api).listFiles(app, COMMIT))],
    [
      ["a/#100% b..", sha("2")],
      ["Dockerfile", BLOB],
    ],
  );
});

test("a list that GitHub cut is beyond the limit, and never taken for all there is", async (t) => {
  const api = startApi(t);
  api.answer(WHOLE, 200, tree([entry("Dockerfile")], true));
  await assert.rejects(readerOf(api).listFiles(app, COMMIT), BeyondLimit);
});

test("reads a file by its id, and asks for a commit's tree once", async (t) => {
  const api = startApi(t);
  const reader = readerOf(api);
  api.answer(WHOLE, 200, tree([entry("a", "040000", sha("1")), entry("a/#100% b")]));
  api.answer(`GET /repos/acme/app/git/blobs/${BLOB}`, 200, blob(TEXT));
  assert.equal(Buffer.from((await reader.readFile(app, COMMIT, "a/#100% b", 100)) ?? []).toString(), TEXT);
  assert.equal(await reader.readFile(app, COMMIT, "Dockerfile", 100), undefined);
  assert.equal(await reader.readFile(app, COMMIT, "a", 100), undefined);
  assert.equal(await reader.readFile(app, COMMIT, "a/#100% b/c", 100), undefined);
  assert.equal((await reader.listFiles(app, COMMIT)).size, 1);
  assert.equal(api.asked.length, 2);
});

test("R3 what one installation has read is no answer for another", async (t) => {
  const api = startApi(t);
  const reader = readerOf(api);
  api.answer(WHOLE, 200, tree([entry("Dockerfile")]));
  await reader.listFiles(app, COMMIT);
  api.answer(WHOLE, 404);
  await couldNotLook("not-found-unproven", reader.listFiles({ ...app, installation: 4 }, COMMIT));
});

test("could not look where the tree or the file can't be read, and looks again the next time", async (t) => {
  const api = startApi(t);
  const reader = readerOf(api);
  for (const [status, code] of [
    [404, "not-found-unproven"],
    [409, "server-error"],
    [403, "credentials-refused"],
    [500, "server-error"],
  ] as const) {
    api.answer(WHOLE, status);
    await couldNotLook(code, reader.readFile(app, COMMIT, "Dockerfile", 100));
  }
  api.answer(WHOLE, 200, tree([entry("Dockerfile")]));
  api.answer(`GET /repos/acme/app/git/blobs/${BLOB}`, 404);
  await couldNotLook("not-found-unproven", reader.readFile(app, COMMIT, "Dockerfile", 100));
});

for (const [what, changes] of [
  ["other bytes", blob("FROM other\n")],
  ["another encoding", blob(TEXT, { encoding: "utf-8", content: TEXT })],
  ["no base64", blob(TEXT, { content: "*" })],
] as const) {
  test(`could not look where ${what} came than git has under the id`, async (t) => {
    const api = startApi(t);
    api.answer(WHOLE, 200, tree([entry("Dockerfile")]));
    api.answer(`GET /repos/acme/app/git/blobs/${BLOB}`, 200, changes);
    await couldNotLook("server-error", readerOf(api).readFile(app, COMMIT, "Dockerfile", 100));
  });
}

test("a file larger than the limit isn't asked for, and isn't kept where only its bytes say so", async (t) => {
  const api = startApi(t);
  const reader = readerOf(api);
  const unsized = { path: "unsized", mode: "100644", type: "blob", sha: BLOB };
  api.answer(WHOLE, 200, tree([entry("Dockerfile"), entry("huge", "100644", BLOB, 6 * 1024 * 1024), unsized]));
  await assert.rejects(reader.readFile(app, COMMIT, "Dockerfile", Buffer.byteLength(TEXT) - 1), BeyondLimit);
  await assert.rejects(reader.readFile(app, COMMIT, "huge", Number.POSITIVE_INFINITY), BeyondLimit);
  api.answer(`GET /repos/acme/app/git/blobs/${BLOB}`, 200, blob(TEXT));
  await assert.rejects(reader.readFile(app, COMMIT, "unsized", 3), BeyondLimit);
});

for (const [what, path] of [
  ["a symbolic link", "link"],
  ["a directory that is a symbolic link", "link/Dockerfile"],
  ["a submodule", "module/Dockerfile"],
] as const) {
  test(`what is behind ${what} is beyond the limit, and never "no such file"`, async (t) => {
    const api = startApi(t);
    api.answer(WHOLE, 200, tree([entry("link", "120000"), entry("module", "160000", sha("4"))]));
    await assert.rejects(readerOf(api).readFile(app, COMMIT, path, 100), BeyondLimit);
  });
}

test('a path that git would write otherwise is beyond the limit, and never "no such file"', async (t) => {
  const api = startApi(t);
  const reader = readerOf(api);
  api.answer(WHOLE, 200, tree([entry("Dockerfile")]));
  for (const path of ["./Dockerfile", "a/../Dockerfile", "/Dockerfile", "a//b", "Dockerfile/", "..", ""])
    await assert.rejects(reader.readFile(app, COMMIT, path, 100), BeyondLimit, path);
  await assert.rejects(reader.listFiles(app, "main"), /no whole id/);
});

test("where the whole is too long to list, a file is found directory by directory", async (t) => {
  const api = startApi(t);
  const reader = readerOf(api);
  const root = () => api.answer(`${TREE}/${COMMIT}`, 200, tree([entry("a", "040000", sha("1")), entry("l", "120000")]));
  api.answer(WHOLE, 200, tree([], true));
  root();
  api.answer(`${TREE}/${sha("1")}`, 200, tree([entry("Dockerfile")]));
  api.answer(`GET /repos/acme/app/git/blobs/${BLOB}`, 200, blob(TEXT));
  assert.equal(Buffer.from((await reader.readFile(app, COMMIT, "a/Dockerfile", 100)) ?? []).toString(), TEXT);
  root();
  assert.equal(await reader.readFile(app, COMMIT, "b/Dockerfile", 100), undefined);
  root();
  await assert.rejects(reader.readFile(app, COMMIT, "l/Dockerfile", 100), BeyondLimit);
  api.answer(`${TREE}/${COMMIT}`, 200, tree([entry("z")], true));
  await assert.rejects(reader.readFile(app, COMMIT, "b/Dockerfile", 100), BeyondLimit);
});

test("keeps eight listings and no more", async (t) => {
  const api = startApi(t);
  const reader = readerOf(api);
  const commits = [..."123456789"].map(sha);
  for (const commit of commits) {
    api.answer(`${TREE}/${commit}`, 200, tree([]));
    await reader.listFiles(app, commit);
  }
  await reader.listFiles(app, commits[1] ?? "");
  api.answer(`${TREE}/${commits[0]}`, 200, tree([]));
  await reader.listFiles(app, commits[0] ?? "");
  assert.equal(api.asked.length, 10);
});
