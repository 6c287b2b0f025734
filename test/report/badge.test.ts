import assert from "node:assert/strict";
import { test } from "node:test";
import { BADGE_STYLES, badge } from "../../src/report/badge.ts";

const SAYS = ["trusted", "untrusted", "undetermined", "unknown"] as const;

test("a badge says its word in each style, with a shape of its own, for screen readers too", () => {
  for (const style of BADGE_STYLES) {
    const shapes = SAYS.map((says) => {
      const svg = badge(says, style, "image");
      const [, shape, word] = /aria-label="image: (\S) ([a-z]+)"/i.exec(svg) ?? [];
      assert.equal(word?.toLowerCase(), says);
      assert.ok(svg.includes('role="img"'));
      return shape;
    });
    assert.equal(new Set(shapes).size, SAYS.length);
  }
});

test("white on every colour of a badge can be read", () => {
  for (const says of SAYS) {
    const colours = [...badge(says, "flat-square", "x").matchAll(/fill="#([0-9a-f]{6})"/g)].map(([, hex]) => hex ?? "");
    assert.ok(colours.length >= 2);
    for (const hex of colours) assert.ok(1.05 / (luminance(hex) + 0.05) >= 4.5, hex);
  }
});

test("a label is text, and can't turn around what stands beside it", () => {
  for (const style of BADGE_STYLES) {
    const svg = badge("untrusted", style, '"><script>evil()</script>\u202e\u0000&');
    assert.ok(!/<script|\u202e/.test(svg));
    assert.ok(!svg.includes("\0"));
  }
});

/** As WCAG 2 has it. */
function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [0, 2, 4].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
