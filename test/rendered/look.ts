import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import type { Browser } from "puppeteer-core";
import { z } from "zod";
import { CONTENT_SECURITY_POLICY } from "../../src/report/build-page.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const IN_PAGE = readFileSync(new URL("in-page.js", import.meta.url), "utf8");
/** What {@link IN_PAGE} answers. */
const Answer = z.object({
  width: z.number(),
  window: z.number(),
  over: z.array(z.string()),
  elements: z.array(z.string()),
  links: z.array(z.string()),
});
const Violations = z.object({
  violations: z.array(z.object({ id: z.string(), help: z.string(), nodes: z.array(z.object({ html: z.string() })) })),
});
/** Never asked for over a network: the browser's request is answered here. */
const ADDRESS = "http://127.0.0.1/";
/** Of the window: pictures are as long as the page is. */
const HEIGHT_PX = 800;

/** Where the pictures are: nobody needs them but who wants to see what people see. */
export const PICTURES =
  process.env.TRUSTED_BUILDS_PICTURES || join(tmpdir(), `trusted-builds-pictures-${userInfo().uid}`);

/** In pixels: GitHub's column of a check run, and a small telephone. */
const WIDTHS = { desktop: 1012, phone: 360 } as const;

/** How a page is looked at. */
export interface Look {
  /** Of the pictures' files. */
  readonly name: string;
  readonly schemes: readonly ("light" | "dark")[];
  /** The header that the page is sent with; without one, that of our pages. */
  readonly policy?: string;
  /** Scripts of ours, by their path. */
  readonly scripts?: Readonly<Record<string, string>>;
}

/** What was seen. */
export interface Seen {
  /** What is wrong with how it looks, each as a sentence. */
  readonly complaints: readonly string[];
  /** The names of all elements in it. */
  readonly elements: readonly string[];
  /** Where its links lead. */
  readonly links: readonly string[];
}

/** Shows a page as the server would send it, at every width takes a picture of it, and says what is wrong with it. */
export async function look(browser: Browser, html: string, how: Look): Promise<Seen> {
  const { name, schemes, policy = CONTENT_SECURITY_POLICY, scripts = {} } = how;
  const complaints: string[] = [];
  const elements = new Set<string>();
  const links = new Set<string>();
  const page = await browser.newPage();
  try {
    await page.setRequestInterception(true);
    let isSent = false;
    page.on("request", (request) => {
      if (!isSent && request.isNavigationRequest()) {
        isSent = true;
        const headers = { "content-security-policy": policy };
        void request.respond({ status: 200, contentType: "text/html; charset=utf-8", headers, body: html });
        return;
      }
      // A page that fetches itself again stays as it was, while it is looked at.
      const script = scripts[new URL(request.url()).pathname];
      if (script !== undefined) void request.respond({ status: 200, contentType: "text/javascript", body: script });
      else if (request.url() === ADDRESS) void request.respond({ status: 204 });
      else {
        if (!request.url().endsWith("/favicon.ico")) complaints.push(`it fetches ${request.url()}`);
        void request.abort();
      }
    });
    page.on("console", (message) => complaints.push(`the browser says: ${message.text()}`));
    await page.goto(ADDRESS, { waitUntil: "load" });
    await page.evaluate(AXE);
    mkdirSync(PICTURES, { recursive: true });
    for (const [at, width] of Object.entries(WIDTHS))
      for (const scheme of schemes) {
        await page.setViewport({ width, height: HEIGHT_PX });
        await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
        const seen = Answer.parse(await page.evaluate(IN_PAGE));
        for (const each of seen.elements) elements.add(each);
        for (const each of seen.links) links.add(each);
        const { violations } = Violations.parse(await page.evaluate("axe.run()"));
        const where = `${at}, ${scheme}`;
        if (seen.width > seen.window)
          complaints.push(`${where}: ${seen.width} pixels wide in a window of ${seen.window}: ${seen.over.slice(-3)}`);
        for (const { id, help, nodes } of violations)
          complaints.push(`${where}: axe: ${id}: ${help}: ${nodes.map(({ html }) => html.slice(0, 200))}`);
        await page.screenshot({ path: join(PICTURES, `${name}-${at}-${scheme}.png`), fullPage: true });
      }
    return { complaints, elements: [...elements], links: [...links] };
  } finally {
    await page.close();
  }
}
