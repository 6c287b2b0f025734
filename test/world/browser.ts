import { after, type TestContext } from "node:test";
import { type Browser, launch } from "puppeteer-core";
import { toolchain } from "./toolchain.ts";

/** A browser that hasn't come up by then never does; in milliseconds. No measurement: it takes a second, and machines are busy. */
const START_MS = 120_000;

/** Nothing of the machine's: no network but loopback, no graphics card, nothing that runs beside the pages. */
const SWITCHES = [
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
  "--disable-background-networking",
  "--disable-gpu",
  "--hide-scrollbars",
  "--force-color-profile=srgb",
  "--font-render-hinting=none",
];

let started: Promise<Browser> | undefined;

after(async () => {
  await (await started?.catch(() => undefined))?.close();
});

/**
 * The Chromium of `npm run world up`, without a window, one for all tests of a process; undefined after having skipped the test because
 * there is none. Where CI is set it never skips.
 */
export async function browser(t: TestContext): Promise<Browser | undefined> {
  const world = await toolchain(t, ["chromium"]);
  if (world === undefined) return undefined;
  // Its own sandbox is for strangers' pages, and doesn't start as root.
  const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  started ??= launch({
    executablePath: world.bin("chromium"),
    headless: "shell",
    args: [...SWITCHES, ...sandbox],
    timeout: START_MS,
  });
  return started;
}
