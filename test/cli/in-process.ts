import { Readable } from "node:stream";
import { underRunner } from "../../src/cli/actions-runner.ts";
import { type VerifyArguments, verifyCommand } from "../../src/cli/verify.ts";
import type { Ended } from "../verify/command.ts";

/** Where a command runs that gets no process of its own. */
export interface Room {
  readonly homeDirectory: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

/** Runs `verify` in this process, nobody's terminal, as the entry would: what it throws is thrown. */
export async function verifyHere(
  args: Partial<VerifyArguments> & Pick<VerifyArguments, "images">,
  { homeDirectory, env = {}, stdin = "" }: Room,
): Promise<Ended> {
  const written = { stdout: "", stderr: "" };
  const stream = (name: keyof typeof written) => {
    const write = (chunk: string) => {
      written[name] += chunk;
      return true;
    };
    return { write } as unknown as NodeJS.WriteStream;
  };
  const exit = await verifyCommand(
    { trustedRoot: [], allowHost: [], bundles: [], offline: false, output: "text", ...args },
    {
      env: { TRUSTED_BUILDS_CACHE: "off", ...env },
      homeDirectory,
      stdin: Readable.from([stdin]),
      ...underRunner(env, { stdout: stream("stdout"), stderr: stream("stderr") }),
      now: () => new Date("2026-11-01T00:00:00Z"),
    },
  );
  return { exit, ...written };
}
