import assert from "node:assert/strict";
import { test } from "node:test";
import { readReview } from "../../src/admission/review.ts";
import { JsonError } from "../../src/image/json.ts";
import { pod, reviewDocument } from "./cluster.ts";

const good = JSON.stringify(reviewDocument(pod("ghcr.io/acme/app:1")));

test("R23 a review that could be read in two ways, or isn't one, is none", () => {
  assert.equal(readReview(Buffer.from(good)).operation, "CREATE");
  const bad: readonly string[] = [
    "",
    "null",
    "[]",
    good.slice(0, -1),
    good.replace("admission.k8s.io/v1", "admission.k8s.io/v1beta1"),
    good.replace(`"kind":"AdmissionReview"`, `"kind":"Review"`),
    good.replace(`"operation":"CREATE"`, `"operation":"PATCH"`),
    good.replace(`"operation":"CREATE"`, `"operation":"DELETE","operation":"CREATE"`),
    good.replace(`"operation":"CREATE"`, `"operation":"CREATE","Operation":"DELETE"`),
    good.replace(`"image":"ghcr`, `"image":"evil","image":"ghcr`),
    good.replace(/"uid":"[^"]*"/, `"uid":""`),
    good.replace(/"uid":"[^"]*"/, `"uid":7`),
    good.replace(`"request"`, `"response"`),
    `${"[".repeat(100_000)}${"]".repeat(100_000)}`,
  ];
  for (const text of bad) assert.throws(() => readReview(Buffer.from(text)), JsonError, text.slice(0, 80));
});
