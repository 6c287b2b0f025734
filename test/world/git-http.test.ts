import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { startGitServer } from "./git-server.ts";

test("whoever goes away in the middle of a question keeps no git waiting", async () => {
  const git = await startGitServer();
  await git.repository("acme/app", { text: "1" });
  const { hostname, port } = new URL(git.url);
  const children = () =>
    process.getActiveResourcesInfo().filter((resource) => resource === "ProcessWrap" || resource === "PipeWrap").length;
  const before = children();
  const socket = connect(Number(port), hostname);
  socket.write(
    "POST /acme/app.git/git-upload-pack HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-git-upload-pack-request\r\ncontent-length: 100\r\n\r\n0032want",
  );
  while (children() === before) await new Promise((turn) => setTimeout(turn, 5));
  socket.destroy();
  while (children() > before) await new Promise((turn) => setTimeout(turn, 5));
  await git.close();
  assert.equal(children(), before);
});
