import { Readable } from "node:stream";
import { underRunner } from "../../src/cli/actions-runner.ts";
import { type VerifyArguments, type VerifySurroundings, verifyCommand } from "../../src/cli/verify.ts";
import type { Ended } from "../verify/command.ts";

/** Where a command runs that gets no process of its own. */
export interface Room {
  readonly homeDirectory: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

/** What every command that judges takes for granted. */
export const NO_SETTINGS = { trustedRoot: [], allowHost: [], bundles: [], offline: false } as const;

/** Runs a command in this process, nobody's terminal, as the entry would: what it throws is thrown. */
export async function runHere(
  command: (surroundings: VerifySurroundings) => Promise<number>,
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
  const exit = await command({
    env: { TRUSTED_BUILDS_CACHE: "off", ...env },
    homeDirectory,
    stdin: Readable.from([stdin]),
    ...underRunner(env, { stdout: stream("stdout"), stderr: stream("stderr") }),
    now: () => new Date("2026-11-01T00:00:00Z"),
  });
  return { exit, ...written };
}

/** Runs `verify` so. */
export function verifyHere(
  args: Partial<VerifyArguments> & Pick<VerifyArguments, "images">,
  room: Room,
): Promise<Ended> {
  return runHere((here) => verifyCommand({ ...NO_SETTINGS, output: "text", ...args }, here), room);
}
