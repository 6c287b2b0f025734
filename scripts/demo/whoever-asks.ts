import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { styleText } from "node:util";
import { z } from "zod";
import { answered, ask } from "../../test/app/asked-answers.ts";
import type { Scene } from "../../test/app/scene.ts";
import { trustedBuilds } from "../../test/verify/command.ts";

/** How what is learnt is shown. */
export interface Showing {
  readonly paint: (format: Parameters<typeof styleText>[0], text: string) => string;
  readonly say: (text?: string) => void;
}

const MARKS = { trusted: ["✔", "green"], untrusted: ["✖", "red"], undetermined: ["?", "yellow"] } as const;
const keysSchema = z.object({ keys: z.array(z.object({ pem: z.string() })) });

/**
 * What people learn who hold an image and have no account anywhere: from the API, on a page, by a badge, and by the command, which
 * believes nothing but the key that it was given.
 *
 * @param good - An image that is trusted; `bad` one that isn't.
 * @returns whether all of them were told so.
 */
export async function askAsAnyone(scene: Scene, [good, bad]: readonly [string, string], showing: Showing) {
  const { paint, say } = showing;
  const { url } = scene.server;
  const directory = mkdtempSync(join(tmpdir(), "demo-asks-"));
  try {
    const answers = [await lookUp(scene, good, showing), await lookUp(scene, bad, showing)];
    const { keys } = keysSchema.parse(await (await ask(scene, "/.well-known/trusted-builds/keys.json")).json());
    const key = join(directory, "builds.pem");
    writeFileSync(key, keys[0]?.pem ?? "");
    say();
    say(
      `${paint("bold", `curl ${url}/.well-known/trusted-builds/keys.json`)}   ${paint("dim", "once: the key, kept as builds.pem")}`,
    );
    say(paint("bold", `trusted-builds verify --server ${url} --server-key builds.pem ${good}`));
    const { exit, stdout, stderr } = await trustedBuilds(["verify", "--server", url, "--server-key", key, good]);
    for (const line of `${stdout}${stderr}`.trim().split("\n")) say(`  ${paint("dim", "│")} ${line}`);
    return exit === 0 && answers.join() === "trusted,untrusted";
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** @returns the verdict, or that the badge says another one. */
async function lookUp(scene: Scene, image: string, { paint, say }: Showing): Promise<string> {
  const { url } = scene.server;
  const page = `${url}/images/${image}`;
  say();
  say(paint("bold", `curl ${url}/v1/images/${image}`));
  const { verdict, digest, faults, policy } = await answered(scene, image);
  const [mark, colour] = MARKS[verdict];
  const why = faults.map(({ code, path }) => `, ${code}: ${path.at(-1)?.reference.split("@")[0]}`).join("");
  say(`  ${paint(colour, `${mark} ${verdict}`)}${why}`);
  const isOnBadge = (await (await fetch(`${page}.svg`)).text()).includes(`${mark} ${verdict}`);
  for (const [what, told] of [
    ["digest", digest ?? ""],
    ["policy", policy?.url ?? ""],
    ["page", paint("underline", page)],
    ["badge", `${paint("underline", `${page}.svg`)}  says ${isOnBadge ? `"${mark} ${verdict}"` : "something else"}`],
  ] as const)
    say(`  ${paint("dim", what.padEnd(6))}  ${told}`);
  return isOnBadge ? verdict : "another on the badge";
}
