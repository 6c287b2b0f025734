import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { test } from "node:test";
import { startGitServer } from "./git-server.ts";

test("whoever goes away in the middle of a question keeps no git waiting", async () => {
  const git = await startGitServer();
  await git.repository("acme/app", { text: "1" });
  const { hostname, port } = new URL(git.url);
  // Not the count of the event loop's handles: those of the commands that made the repository close when they like.
  const children = async () => (await readFile(`/proc/self/task/${process.pid}/children`, "utf8")).trim();
  assert.equal(await children(), "");
  const socket = connect(Number(port), hostname);
  socket.write(
    "POST /acme/app.git/git-upload-pack HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-git-upload-pack-request\r\ncontent-length: 100\r\n\r\n0032want",
  );
  while ((await children()) === "") await new Promise((turn) => setTimeout(turn, 5));
  socket.destroy();
  while ((await children()) !== "") await new Promise((turn) => setTimeout(turn, 5));
  await git.close();
});
