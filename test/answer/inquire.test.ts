import assert from "node:assert/strict";
import { test } from "node:test";
import { inquire, MAX_OPEN_INQUIRIES, type RefreshPorts, refreshStale } from "../../src/answer/inquire.ts";
import type { Inquiry } from "../../src/answer/inquiry.ts";
import { formatReference, parseReference } from "../../src/image/reference.ts";
import { REPOSITORY } from "../build/world.ts";
import { headOf, NOW, ONE, PUBLISHED } from "./look-up-world.ts";

const PRIVATE = { ...REPOSITORY, isPrivate: true };
const IMAGE = parseReference("registry.example/acme/app:1");

function portsOf(open: number, stale = [headOf()]) {
  const opened: Inquiry[] = [];
  const ports: RefreshPorts = {
    store: {
      countOpenInquiries: async () => open + opened.length,
      openInquiry: async (inquiry) => {
        opened.push(inquiry);
        return inquiry;
      },
    },
    asked: { listStaleAnswers: async (_, __, limit) => stale.slice(0, limit) },
    published: PUBLISHED,
    readRepository: async (id) => (id === PRIVATE.id ? PRIVATE : undefined),
    newId: () => `inquiry-${opened.length + 1}`,
    now: () => NOW,
  };
  return { ports, opened };
}

test("a thousand open inquiries are enough", async () => {
  const full = portsOf(MAX_OPEN_INQUIRIES);
  assert.equal(await inquire(full.ports, IMAGE), "busy");
  assert.deepEqual(full.opened, []);
  const { ports } = portsOf(MAX_OPEN_INQUIRIES - 1);
  assert.notEqual(await inquire(ports, IMAGE), "busy");
});

test("R26 what a tag named is asked about by the tag again, and what a digest named by the digest", async () => {
  const { tag: _, ...bare } = headOf().image;
  const { ports, opened } = portsOf(0, [headOf(), headOf({ image: bare })]);
  assert.equal(await refreshStale(ports), 2);
  assert.deepEqual(
    opened.map(({ image }) => formatReference(image)),
    ["registry.example/acme/app:1", `registry.example/acme/app@${ONE}`],
  );
});

test("an answer for readers is made anew for them", async () => {
  const readers = headOf({ audience: { kind: "readers", repositoryIds: [String(PRIVATE.id)] } });
  const { ports, opened } = portsOf(0, [readers]);
  await refreshStale(ports);
  assert.deepEqual(opened[0]?.repository, PRIVATE);
});

test("stale answers are few at once, and leave half of the room to people", async () => {
  const stale = Array.from({ length: 50 }, () => headOf());
  assert.equal(await refreshStale(portsOf(0, stale).ports), 20);
  assert.equal(await refreshStale(portsOf(MAX_OPEN_INQUIRIES / 2, stale).ports), 0);
});
