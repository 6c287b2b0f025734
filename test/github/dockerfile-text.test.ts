import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { createDockerfileReader } from "../../src/github/dockerfile-text.ts";
import { BeyondLimit } from "../../src/trust/ports.ts";
import { type Api, couldNotLook, NOT_FOUND, sha, startApi } from "./api.ts";

const COMMIT = sha("c");
const TREE = `GET /repos/acme/app/git/trees/${COMMIT}?recursive=1`;
const TEXT = "FROM scratch\n";
const BLOB = createHash("sha1").update(`blob ${TEXT.length}\0${TEXT}`).digest("hex");
const at = { repository: "https://github.com/Acme/app", repositoryId: "42", commit: COMMIT, path: "Dockerfile" };

const readerOf = (api: Api) =>
  createDockerfileReader({ octokit: async () => api.octokit, server: "https://github.com" });
const tree = (mode = "100644") => ({
  sha: sha("e"),
  truncated: false,
  tree: [{ path: "Dockerfile", mode, type: "blob", sha: BLOB, size: TEXT.length }],
});

test("reads the file that the commit has, as git has it", async (t) => {
  const api = startApi(t);
  api.answer(TREE, 200, tree());
  const content = Buffer.from(TEXT).toString("base64");
  api.answer(`GET /repos/acme/app/git/blobs/${BLOB}`, 200, {
    sha: BLOB,
    size: TEXT.length,
    encoding: "base64",
    content,
  });
  const bytes = await readerOf(api).readDockerfile(at, 1000);
  assert.equal(Buffer.from(bytes ?? []).toString(), TEXT);
});

test("a file that isn't there is absent; one that is larger, or a link, is beyond the limit", async (t) => {
  const api = startApi(t);
  api.answer(TREE, 200, tree());
  const reader = readerOf(api);
  assert.equal(await reader.readDockerfile({ ...at, path: "dockerfile" }, 1000), undefined);
  await assert.rejects(reader.readDockerfile(at, TEXT.length - 1), BeyondLimit);
  api.answer(TREE, 200, tree("120000"));
  await assert.rejects(readerOf(api).readDockerfile(at, 1000), BeyondLimit);
});

test("a repository that may be hidden couldn't be looked at", async (t) => {
  const api = startApi(t);
  api.answer(TREE, 404, NOT_FOUND);
  await couldNotLook("not-found-unproven", readerOf(api).readDockerfile(at, 1000));
});

test("what isn't on the server, or no name of a repository, is asked of nobody", async (t) => {
  const reader = readerOf(startApi(t));
  for (const repository of ["https://gitlab.com/acme/app", "https://github.com/acme/../app", "https://github.com/acme"])
    await couldNotLook("address-refused", reader.readDockerfile({ ...at, repository }, 1000));
});
