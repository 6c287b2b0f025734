import { Readable } from "node:stream";
import type { DockerfileArguments } from "../../src/cli/dockerfile.ts";
import { dockerfileCommand } from "../../src/cli/dockerfile.ts";
import { type DockerfileDocument, dockerfileSchema } from "../../src/report/dockerfile-json.ts";

/** What the command left behind; the document is held to its schema. */
export interface Called {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Undefined where it wasn't asked for as JSON, or nothing was printed. */
  readonly document: DockerfileDocument | undefined;
}

/** Calls `dockerfile` in this process, for JSON unless the arguments say otherwise. @throws {UsageError} */
export async function dockerfile(
  file: string | undefined,
  args: Partial<DockerfileArguments> = {},
  { stdin = "", env = {} }: { readonly stdin?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Called> {
  const said = { stdout: "", stderr: "" };
  const stream = (name: keyof typeof said) =>
    ({
      write: (text: string) => {
        said[name] += text;
        return true;
      },
    }) as NodeJS.WriteStream;
  const exit = await dockerfileCommand(
    {
      ...{ file, platform: [], buildArg: [], buildContext: [], allStages: false, bake: [], bakeTarget: [] },
      ...{ onbuild: false, judge: false, pin: false, output: "json" },
      ...{ trustedRoot: [], allowHost: [], bundles: [], offline: false, cache: false },
      ...args,
    },
    {
      env,
      homeDirectory: "/nonexistent",
      stdin: Readable.from(stdin === "" ? [] : [stdin]),
      stdout: stream("stdout"),
      stderr: stream("stderr"),
      now: () => new Date("2026-11-01T00:00:00Z"),
    },
  );
  const isDocument = args.output !== "text" && file !== undefined && said.stdout !== "";
  return { exit, ...said, document: isDocument ? dockerfileSchema.parse(JSON.parse(said.stdout)) : undefined };
}

/** Reference, platform, role and line of each image. */
export function imagesOf(document: DockerfileDocument | undefined): readonly string[] {
  return (document?.images ?? []).map(
    ({ reference, platform, role, line }) =>
      `${line} ${role} ${reference.replace("docker.io/library/", "")} ${platform}`,
  );
}
