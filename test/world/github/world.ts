import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { TestContext } from "node:test";
import { type Github, type GithubOptions, startGithub } from "./github.ts";
import { listen, stop } from "./listen.ts";

/** The workflow of a repository that uses the project, as far as the stand-in looks into it. */
export const WORKFLOW = `name: Trusted builds
run-name: Trusted build \${{ inputs.build-id }}
on:
  workflow_dispatch:
    inputs:
      build-id: { type: string }
      request: { type: string }
`;

/** Where it is. */
export const WORKFLOW_PATH = ".github/workflows/trusted-builds.yml";

/** A GitHub for one test, which fails if anything didn't fit GitHub's description. */
export async function githubOf(t: TestContext, options?: GithubOptions): Promise<Github> {
  const github = await startGithub(options);
  t.after(async () => {
    await github.idle();
    await github.close();
    assert.deepEqual(github.violations, []);
  });
  return github;
}

/** A webhook as it came in. */
export interface Received {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** Where webhooks go in a test: answers with the status that `answer` gives. */
export async function receiverOf(t: TestContext, github: Github, answer: () => number = () => 202) {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    received.push({ headers: request.headers, body, payload: JSON.parse(body) });
    response.writeHead(answer()).end();
  });
  const url = await listen(server);
  github.deliverTo(url);
  t.after(() => stop(server));
  return { url, received };
}

/** Whether a call failed with that status. */
export function isStatus(status: number): (error: unknown) => boolean {
  return (error) => (error as { status?: unknown }).status === status;
}
