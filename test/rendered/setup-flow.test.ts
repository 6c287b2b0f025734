import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readEnvFile } from "../../src/app/env-file.ts";
import { freePort, startServer } from "../app/server-process.ts";
import { browser } from "../world/browser.ts";
import { startGithub } from "../world/github/github.ts";

test("a person registers the app in a browser, which holds the pages to their policies, their cookie and their forms", async (t) => {
  const chromium = await browser(t);
  if (chromium === undefined) return;
  const directory = mkdtempSync(join(tmpdir(), "setup-flow-"));
  const github = await startGithub();
  const ENV_FILE = join(directory, ".env");
  const server = await startServer({
    GHE_HOST: new URL(github.url).host,
    GHE_PROTOCOL: "http",
    LOG_LEVEL: "warn",
    DATA_DIR: join(directory, "data"),
    PORT: String(await freePort()),
    ENV_FILE,
  });
  // Cookies of its own: the browser is all tests'.
  const context = await chromium.createBrowserContext();
  t.after(async () => {
    await context.close();
    await server.kill();
    await github.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  const press = () => Promise.all([page.waitForNavigation(), page.click("button")]);

  await page.goto(server.url);
  await page.type("[name=token]", /serves once: (\S+)/.exec(server.output())?.[1] ?? "");
  await page.type("[name=public-url]", server.url);
  await press();
  assert.equal(await page.$eval("h1", (each) => each.textContent), "On to GitHub");
  await press();
  assert.equal(await page.$eval("h1", (each) => each.textContent), "Registered");
  assert.equal(readEnvFile(ENV_FILE).APP_ID, String(github.app.id));
  assert.equal(github.manifests[0]?.redirect_url, `${server.url}/setup/callback`);
  // No page of ours has a picture for the browser's tab.
  assert.deepEqual(
    complaints.filter((each) => !/404|favicon/.test(each)),
    [],
  );
});
