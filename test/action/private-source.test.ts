import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { createServer, request as forward, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { after, type TestContext, test } from "node:test";
import { type GitServer, startGitServer } from "../world/git-server.ts";
import { githubClaims } from "../world/github-claims.ts";
import { startSigstore } from "../world/sigstore.ts";
import { toolchain } from "../world/toolchain.ts";
import { runJob } from "./job.ts";

const TOKEN = "ghs_for-git";
const git = await startGitServer();
after(() => git.close());

/** A git server in front of the real one, which notes who asks. */
async function front(t: TestContext, behind: GitServer, mayRead: (authorization: string | undefined) => boolean) {
  const asked: (string | undefined)[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    const { authorization } = request.headers;
    asked.push(authorization);
    if (!mayRead(authorization)) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end();
      return;
    }
    const { authorization: _dropped, ...headers } = request.headers;
    const onward = forward(`${behind.url}${request.url}`, { method: request.method ?? "GET", headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

test("the token reads a private source, and goes to no other git server that the Dockerfile names", async (t) => {
  const world = await toolchain(t, ["dockerd", "registry"]);
  if (world === undefined) return;
  const login = `basic ${Buffer.from(`x-access-token:${TOKEN}`).toString("base64")}`;
  const github = await front(t, git, (authorization) => authorization?.toLowerCase() === login.toLowerCase());
  const stranger = await front(t, git, () => true);
  const sigstore = await startSigstore({ serverUrl: github.url });
  t.after(() => sigstore.close());
  const namespace = `acme-${randomBytes(4).toString("hex")}`;
  // Commits that BuildKit has from elsewhere it would not fetch.
  const dependency = await git.repository(`${namespace}/dependency`, { file: `${namespace}\n` });
  const source = await git.repository(
    `${namespace}/app`,
    { Dockerfile: `FROM scratch\nADD ${stranger.url}/${namespace}/dependency.git#${dependency.commit} /dep\n` },
    { tag: "v1.0.0" },
  );
  const claims = githubClaims({ repository: `${namespace}/app`, sha: source.commit, visibility: "private" });
  const build = (token: string) =>
    runJob({
      inputs: {
        image: `${world.registry}/${namespace}/app`,
        tags: "v1.0.0",
        "github-token": token,
        "fulcio-url": sigstore.url,
        "rekor-url": sigstore.url,
        "rekor-version": "1",
      },
      claims,
      sigstore,
      serverUrl: github.url,
      env: world.env,
    });

  const refused = await build("");
  assert.equal(refused.exit, 1, refused.log);
  assert.match(refused.errors.join(), /contents: read/);

  const built = await build(TOKEN);
  assert.equal(built.exit, 0, built.log);
  assert.ok(github.asked.some((authorization) => authorization?.toLowerCase() === login.toLowerCase()));
  assert.ok(stranger.asked.length > 0);
  assert.deepEqual([...new Set(stranger.asked)], [undefined]);
});
