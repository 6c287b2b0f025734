import type { BuildRequest } from "../build/build.ts";

/** The inputs of the workflow: two, whatever is asked for, since servers allow ten at least. The workflow reads the second as JSON. */
export function buildInputs(build: {
  readonly id: string;
  readonly request: BuildRequest;
}): Readonly<Record<"build-id" | "request", string>> {
  return { "build-id": build.id, request: requestJson(build.request) };
}

/** What to build, in the words of the action's inputs. What isn't asked for isn't there; the same request has the same text. */
export function requestJson(request: BuildRequest): string {
  const { image, tags, dockerfile, context, target, platforms, buildArgs, contexts, secrets } = request;
  return JSON.stringify({
    image,
    tags,
    dockerfile,
    context,
    target,
    platforms,
    "build-args": buildArgs,
    contexts,
    secrets,
  });
}
