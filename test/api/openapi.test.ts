import assert from "node:assert/strict";
import { test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { apiRoutes } from "../../src/api/api-routes.ts";
import { InMemory } from "./in-memory.ts";
import { serveApi } from "./scene.ts";

const { ask } = await serveApi();

test("the description that is served is an OpenAPI 3.1 document, by its meta-schema", async () => {
  const { status, json } = await ask("/v1/openapi.json");
  assert.equal(status, 200);
  const validator = new Validator();
  const { valid, errors } = await validator.validate({ ...(json as object) });
  assert.ok(valid, JSON.stringify(errors));
  assert.equal(validator.version, "3.1");
});

test("every address is described, the description's own too", async () => {
  const { paths } = (await ask("/v1/openapi.json")).json as { readonly paths: Readonly<Record<string, object>> };
  for (const { form, method } of apiRoutes(new InMemory().ports()))
    assert.ok(Object.hasOwn(paths[form] ?? {}, method.toLowerCase()), `${method} ${form}`);
});

test("each reference in the description leads somewhere", async () => {
  const { json, text } = await ask("/v1/openapi.json");
  const { components } = json as { readonly components: Readonly<Record<string, object>> };
  const references = [...text.matchAll(/"\$ref": "([^"]+)"/g)].map(([, to = ""]) => to);
  assert.ok(references.length > 0);
  for (const to of new Set(references)) {
    const [, , kind = "", name = ""] = to.split("/");
    assert.ok(Object.hasOwn(components[kind] ?? {}, name), to);
  }
});

test("where nobody's images are judged but the operator's own, nothing of it is there or described", async () => {
  const { asking: _, ...ports } = new InMemory().ports();
  const forms = apiRoutes(ports).map(({ form }) => form);
  assert.ok(!forms.includes("/v1/images/{reference}/verify"));
  assert.ok(!forms.includes("/v1/inquiries/{id}"));
});
