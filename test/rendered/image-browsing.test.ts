import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Page } from "puppeteer-core";
import { answerOn, NOW } from "../api/answers.ts";
import { serveApi } from "../api/scene.ts";
import { UNTRUSTED } from "../report/image-pages.ts";
import { browser } from "../world/browser.ts";

/** A page of the browser on the server itself, with what the browser complains of. */
async function visit(t: TestContext): Promise<{ readonly page: Page; readonly complaints: string[] } | undefined> {
  const chromium = await browser(t);
  if (chromium === undefined) return undefined;
  const page = await chromium.newPage();
  t.after(() => page.close());
  const complaints: string[] = [];
  // No page of ours has a picture for the browser's tab; a 404 is told as such.
  page.on("console", (message) => {
    if (!/404|favicon/.test(message.text())) complaints.push(message.text());
  });
  return { page, complaints };
}

test("without script an image is found missing, asked for by a form, waited for, and shown", async (t) => {
  const { url, world } = await serveApi();
  const visiting = await visit(t);
  if (visiting === undefined) return;
  const { page, complaints } = visiting;
  await page.setJavaScriptEnabled(false);
  await page.goto(`${url}/images/ghcr.io/acme/app:1.0.0`);
  assert.match(await page.title(), /Nothing is known/);
  await page.type("[name=image]", "ghcr.io/acme/app:1.0.0");
  await Promise.all([page.waitForNavigation(), page.click("button")]);
  assert.match(await page.title(), /Being judged/);

  const [inquiry] = world.inquiries.values();
  assert.ok(inquiry);
  const answer = answerOn({ image: "ghcr.io/acme/app:1.0.0", verdict: UNTRUSTED });
  world.answers.push(answer);
  world.inquiries.set(inquiry.id, { ...inquiry, end: { kind: "answered", answer: answer.id, at: NOW } });
  // The page fetches itself anew, perhaps once more before it is there, and is led on.
  do await page.waitForNavigation();
  while (/Being judged/.test(await page.title()));
  assert.match(await page.title(), /^Untrusted/);
  assert.match(page.url(), /\/images\/ghcr\.io\/acme\/app:1\.0\.0$/);
  const links = await page.$$("a.node");
  assert.equal(links.length, UNTRUSTED.nodes.length);
  assert.equal((await page.$$(".zoom")).length, 0);
  assert.deepEqual(complaints, []);
});

test("a picture is made larger and smaller, and moved, by keyboard, buttons, wheel and pointer", async (t) => {
  const { url, world } = await serveApi();
  world.answers.push(answerOn({ image: "ghcr.io/acme/app:1.0.0", verdict: UNTRUSTED }));
  const visiting = await visit(t);
  if (visiting === undefined) return;
  const { page, complaints } = visiting;
  await page.setViewport({ width: 700, height: 700 });
  await page.goto(`${url}/images/ghcr.io/acme/app:1.0.0`);
  const width = () => page.$eval("svg.ancestry", (svg) => Math.round(svg.getBoundingClientRect().width));
  const left = () => page.$eval("[data-picture]", (box) => box.scrollLeft);
  const natural = Number(await page.$eval("svg.ancestry", (svg) => svg.getAttribute("viewBox")?.split(" ")[2]));
  await page.focus("[data-picture]");

  const before = await width();
  await page.keyboard.press("+");
  assert.ok((await width()) > before);
  await page.keyboard.press("-");
  assert.equal(await width(), before);
  for (let i = 0; i < 4; i++) await page.keyboard.press("+");
  const at = await left();
  await page.keyboard.press("ArrowRight");
  assert.ok((await left()) > at);
  await page.keyboard.press("ArrowLeft");
  assert.equal(await left(), at);
  await page.keyboard.press("0");
  assert.ok((await width()) <= 700);

  // The same with buttons, which the keyboard reaches too.
  await page.click('button[aria-label="100 %, as drawn"]');
  assert.equal(await width(), natural);
  assert.equal(await page.$eval(".zoom output", (each) => each.textContent), "100 %");

  const box = await (await page.$("[data-picture]"))?.boundingBox();
  assert.ok(box);
  await page.mouse.move(box.x + box.width / 2, box.y + 10);
  await page.keyboard.down("Control");
  await page.mouse.wheel({ deltaY: -200 });
  await page.keyboard.up("Control");
  await page.waitForFunction(`document.querySelector("svg.ancestry").getBoundingClientRect().width > ${natural}`);

  const dragged = await left();
  const address = page.url();
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2 - 80, box.y + 10, { steps: 4 });
  await page.mouse.up();
  assert.ok((await left()) > dragged);
  assert.equal(page.url(), address);

  // Each image is reached by the Tab key, and leads on.
  await page.focus("[data-picture]");
  await page.keyboard.press("Tab");
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  assert.match(decodeURIComponent(page.url()), /\/images\/ghcr\.io\/acme\/app:1\.0\.0@sha256:/);
  assert.deepEqual(complaints, []);
});
