import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { type GitServer, startGitServer } from "./git-server.ts";

// Not the count of the event loop's handles: those of the commands that made the repository close when they like.
const children = async () => (await readFile(`/proc/self/task/${process.pid}/children`, "utf8")).trim();

/** Until git has begun to answer, or has ended. */
async function running(isRunning: boolean): Promise<void> {
  while (((await children()) !== "") !== isRunning) await new Promise((turn) => setTimeout(turn, 5));
}

/** Posts a question to git, of which nothing but this much is sent. */
function ask({ url }: GitServer, body: string, length = body.length): Socket {
  const { hostname, port } = new URL(url);
  const head = `host: x\r\ncontent-type: application/x-git-upload-pack-request\r\ncontent-length: ${length}\r\ngit-protocol: version=2`;
  const socket = connect(Number(port), hostname);
  socket.write(`POST /acme/app.git/git-upload-pack HTTP/1.1\r\n${head}\r\n\r\n${body}`);
  return socket;
}

/** A line with its length before it. @see gitprotocol-common(5) */
const line = (text: string) => `${(text.length + 4).toString(16).padStart(4, "0")}${text}`;

test("whoever goes away in the middle of a question keeps no git waiting", async () => {
  const git = await startGitServer();
  await git.repository("acme/app", { text: "1" });
  assert.equal(await children(), "");
  const socket = ask(git, "0032want", 100);
  await running(true);
  socket.destroy();
  await running(false);
  await git.close();
});

test("whoever goes away in the middle of an answer keeps no git waiting", async () => {
  const git = await startGitServer();
  // More than what lies on the way.
  const { commit } = await git.repository("acme/app", { large: randomBytes(8 * 1024 * 1024) });
  assert.equal(await children(), "");
  const socket = ask(git, `${line("command=fetch")}0001${line(`want ${commit}\n`)}${line("done\n")}0000`);
  const [begun] = await new Promise<Buffer[]>((resolve) => socket.once("data", (...chunks) => resolve(chunks)));
  assert.match(String(begun), /^HTTP\/1\.1 200 /);
  assert.notEqual(await children(), "");
  socket.destroy();
  await running(false);
  await git.close();
});
