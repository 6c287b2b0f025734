import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type TestContext, test } from "node:test";
import { createRepositoryReaders } from "../../src/github/repository-readers.ts";
import { createRepositoryVisibility } from "../../src/github/repository-visibility.ts";
import { CouldNotLook } from "../../src/trust/ports.ts";

const NOW = Date.parse("2026-06-01T12:00:00Z");

/** A server that answers by the repository's number, and remembers in whose name it was asked. */
async function startServer(
  t: TestContext,
  answer: (id: string, request: IncomingMessage, response: ServerResponse) => void,
) {
  const asked: string[] = [];
  const http = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers.authorization ?? "nobody"}`);
    response.setHeader("content-type", "application/json");
    answer(request.url?.split("/").at(-1) ?? "", request, response);
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  t.after(() => http.close());
  const address = http.address();
  if (address === null || typeof address === "string") throw new Error("it listens to no port");
  return { url: `http://127.0.0.1:${address.port}`, asked };
}

const shows =
  (status: number, id: number, headers = {}) =>
  (_: string, __: IncomingMessage, response: ServerResponse) =>
    void response.writeHead(status, headers).end(JSON.stringify({ id, private: true }));

test("GitHub is asked in the asker's name, once for five minutes and each question", async (t) => {
  const server = await startServer(t, shows(200, 7));
  let time = NOW;
  const { mayRead } = createRepositoryReaders(server.url, () => new Date(time));
  assert.equal(await mayRead("secret", ["7"], "acme/app"), true);
  assert.equal(await mayRead("secret", ["7"], "acme/app"), true);
  assert.deepEqual(server.asked, ["/repositories/7 token secret"]);
  assert.equal(await mayRead("secret", ["7"], "acme/other"), true);
  assert.equal(await mayRead("another", ["7"], "acme/app"), true);
  time += 5 * 60_000;
  assert.equal(await mayRead("secret", ["7"], "acme/app"), true);
  assert.equal(server.asked.length, 4);
});

test("leave to read one repository is none to read another under the same question", async (t) => {
  const server = await startServer(t, (id, _, response) =>
    response.writeHead(id === "7" ? 200 : 404).end(JSON.stringify({ id: Number(id), private: true })),
  );
  const { mayRead } = createRepositoryReaders(server.url, () => new Date(NOW));
  assert.equal(await mayRead("secret", ["7"], "acme/app"), true);
  assert.equal(await mayRead("secret", ["8"], "acme/app"), false);
  assert.equal(await mayRead("secret", ["7", "8"], "acme/app"), false);
  assert.equal(await mayRead("secret", [], "acme/app"), false);
});

for (const status of [401, 403, 404])
  test(`${status} is a refusal, and so is another repository's number`, async (t) => {
    const refusing = await startServer(t, shows(status, 7));
    assert.equal(await createRepositoryReaders(refusing.url, () => new Date(NOW)).mayRead("t", ["7"], "q"), false);
    const another = await startServer(t, shows(200, 8));
    assert.equal(await createRepositoryReaders(another.url, () => new Date(NOW)).mayRead("t", ["7"], "q"), false);
  });

const unseen: readonly (readonly [string, number, Record<string, string>])[] = [
  ["a fault of GitHub's", 502, {}],
  ["a limit", 429, {}],
  ["a limit that comes as a refusal", 403, { "x-ratelimit-remaining": "0" }],
  ["a way elsewhere", 301, { location: "http://127.0.0.1:1/" }],
];
for (const [what, status, headers] of unseen)
  test(`${what} is no answer, and isn't kept`, async (t) => {
    const server = await startServer(t, shows(status, 7, headers));
    const { mayRead } = createRepositoryReaders(server.url, () => new Date(NOW));
    await assert.rejects(mayRead("t", ["7"], "q"), CouldNotLook);
    await assert.rejects(mayRead("t", ["7"], "q"), CouldNotLook);
    assert.equal(server.asked.length, 2);
  });

test("what the app is installed on is known without a question", async (t) => {
  const server = await startServer(t, shows(200, 7));
  const readIsPrivate = async (id: string) => id === "1";
  const { isPublic } = createRepositoryVisibility(
    { readIsPrivate },
    { apiUrl: server.url, token: undefined, now: () => new Date(NOW) },
  );
  assert.equal(await isPublic("https://github.com/acme/app", "1"), false);
  assert.equal(await isPublic("https://github.com/acme/app", "2"), true);
  assert.deepEqual(server.asked, []);
});

test("a repository is public for a day where nobody is shown it, and hidden for minutes", async (t) => {
  let [isPrivate, status, time] = [false, 200, NOW];
  const server = await startServer(t, (id, _, response) =>
    response.writeHead(status).end(JSON.stringify({ id: Number(id), private: isPrivate })),
  );
  const { isPublic } = createRepositoryVisibility(
    { readIsPrivate: async () => undefined },
    { apiUrl: server.url, token: undefined, now: () => new Date(time) },
  );
  const seven = () => isPublic("https://github.com/acme/app", "7");
  assert.equal(await seven(), true);
  isPrivate = true;
  assert.equal(await seven(), true);
  time += 24 * 60 * 60_000;
  assert.equal(await seven(), false, "a token that is shown more than everyone is doesn't make it public");
  assert.equal(await isPublic("https://github.com/acme/app", "../8"), false);
  assert.ok(server.asked.every((each) => each === "/repositories/7 nobody"));
  status = 404;
  time += 5 * 60_000;
  assert.equal(await seven(), false);
  status = 401;
  time += 5 * 60_000;
  await assert.rejects(seven(), CouldNotLook, "a refusal of our own token says nothing of the repository");
});

test("R8 a repository that a certificate names without a number is public where everyone is shown one of that name", async (t) => {
  let status = 200;
  const server = await startServer(t, (name, _, response) =>
    response.writeHead(status).end(JSON.stringify({ id: 7, private: name === "secret" })),
  );
  let time = NOW;
  const { isPublic } = createRepositoryVisibility(
    { readIsPrivate: async () => undefined },
    { apiUrl: server.url, token: undefined, now: () => new Date(time) },
  );
  const named = (name: string) => isPublic(`https://github.com/${name}`, undefined);
  assert.equal(await named("acme/app"), true);
  assert.equal(await named("acme/app"), true);
  assert.equal(await named("acme/secret"), false);
  assert.deepEqual(server.asked, ["/repos/acme/app nobody", "/repos/acme/secret nobody"]);
  for (const name of ["acme", "acme/..", "../app", "./app", "acme/app/more", "acme/a b", "acme/a%2fb"])
    assert.equal(await named(name), false, name);
  assert.equal(server.asked.length, 2);
  [status, time] = [404, NOW + 24 * 60 * 60_000];
  assert.equal(await named("acme/app"), false);
  status = 502;
  await assert.rejects(named("acme/other"), CouldNotLook);
});
