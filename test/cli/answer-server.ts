import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { KeyBundle } from "../../src/signer/key-bundle.ts";

/** What the stand-in answers to one request. */
export interface Reply {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A server of answers in this process, which says whatever a test has it say. */
export interface StandIn {
  readonly url: string;
  /** Every address that was asked for, with its query. */
  readonly asked: string[];
  readonly authorizations: (string | undefined)[];
  /** What is said of any image from now on. */
  say(summaries: readonly KeyBundle[] | Reply, words?: unknown): void;
  publishKeys(pems: readonly string[]): void;
  close(): Promise<void>;
}

/** As `serve` lays its addresses out: one bundle a line, and problem details where there is nothing. */
export async function startAnswers(): Promise<StandIn> {
  const nothing: Reply = { status: 404, body: JSON.stringify({ title: "not summarised", status: 404 }) };
  let [vsa, words, keys] = [nothing, nothing, nothing];
  const asked: string[] = [];
  const authorizations: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    const url = request.url ?? "";
    asked.push(url);
    authorizations.push(request.headers.authorization);
    const reply = url === "/.well-known/trusted-builds/keys.json" ? keys : /\/vsa\?/.test(url) ? vsa : words;
    response.writeHead(reply.status, reply.headers).end(reply.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    authorizations,
    say(summaries, document) {
      vsa =
        "status" in summaries
          ? summaries
          : { status: 200, body: summaries.map((each) => `${JSON.stringify(each)}\n`).join("") };
      words = document === undefined ? nothing : { status: 200, body: JSON.stringify(document) };
    },
    publishKeys(pems) {
      keys = { status: 200, body: JSON.stringify({ keys: pems.map((pem) => ({ pem })) }) };
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
