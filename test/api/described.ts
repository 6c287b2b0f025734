import assert from "node:assert/strict";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { ApiPorts } from "../../src/api/api-ports.ts";
import { describe } from "../../src/api/openapi.ts";
import type { Operation } from "../../src/api/operation.ts";
import type { Answered } from "./scene.ts";

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  readonly components: object;
}
interface Described {
  readonly responses: Readonly<
    Record<
      string,
      { readonly headers?: object; readonly content?: Readonly<Record<string, { readonly schema?: object }>> }
    >
  >;
}

/** Holds answers to their description: status, type, form, and headers. What the description doesn't have may not be answered. */
export function describedBy(
  operations: readonly Operation[],
  ports: Pick<ApiPorts, "version" | "publicUrl">,
): (method: string, path: string, answered: Answered) => void {
  const { paths, components } = describe(operations, ports) as Description;
  const ajv = new Ajv2020({ strict: false, allErrors: true, logger: false });
  ajv.addFormat("date-time", (text: string) => !Number.isNaN(Date.parse(text)) && text.endsWith("Z"));
  ajv.addFormat("date", /^\d{4}-\d{2}-\d{2}$/);
  ajv.addSchema({ $id: "api", components });
  return (method, address, { status, headers, json, text }) => {
    const [path = ""] = address.split("?");
    assert.ok(headers["x-request-id"], "each answer has its request's id");
    const asked = method === "HEAD" ? "GET" : method;
    const operation = operations.find((each) => each.method === asked && each.match(path) !== undefined);
    // No operation's: told by the router, as a problem or as a preflight.
    if (operation === undefined) {
      if (status !== 204 && path.startsWith("/v1/")) assert.ok([404, 405].includes(status), `${status}`);
      return;
    }
    const described = paths[operation.form]?.[asked.toLowerCase()]?.responses[String(status)];
    assert.ok(described !== undefined, `${method} ${operation.form}: ${status} isn't described`);
    for (const name of Object.keys(described.headers ?? {}))
      assert.ok(headers[name.toLowerCase()] !== undefined, `${method} ${operation.form}: ${status} has no ${name}`);
    if (method === "HEAD" || status === 304) return assert.equal(text, "");
    const type = headers["content-type"] ?? "";
    const content = described.content?.[type];
    assert.ok(content !== undefined, `${method} ${operation.form}: ${status} is described as no ${type}`);
    if (content.schema === undefined) return;
    const [name] = Object.values(content.schema);
    const isOfForm = ajv.getSchema(`api${name}`);
    assert.ok(isOfForm !== undefined, `there is no ${name}`);
    assert.ok(isOfForm(json), `${method} ${operation.form}: ${status}: ${ajv.errorsText(isOfForm.errors)}`);
  };
}
