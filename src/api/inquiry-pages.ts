import { withDefaultTag } from "../image/reference.ts";
import { inquiryPage, unseenImagePage } from "../report/inquiry-page.ts";
import type { Asking } from "./api-ports.ts";
import { decoded, namedImage } from "./asked-image.ts";
import type { ApiRequest, ApiResponse, Route } from "./exchange.ts";
import { NOT_KEPT } from "./freshness.ts";
import { linksFrom } from "./links.ts";
import { queriesOf } from "./operation.ts";
import type { PagePorts } from "./page-ports.ts";
import { pageResponse, tellOnPage } from "./page-response.ts";
import { pathForm } from "./path-form.ts";
import { Problem } from "./problem.ts";
import { NO_QUERIES } from "./queries.ts";
import { something } from "./told-answer.ts";
import { viewerOf } from "./viewer.ts";

/** Largest form that is read, in bytes: one name, percent-encoded. */
const MAX_FORM_BYTES = 4096;

const LINKS = linksFrom();

/** `POST /inquiries` has an image judged, by a plain form; `GET /inquiries/{id}` waits for it without script, and leads to the answer. */
export function inquiryPages(ports: PagePorts, asking: Asking): readonly Route[] {
  const tell = tellOnPage(true);
  return [
    {
      method: "POST",
      match: pathForm("/inquiries"),
      maxBody: MAX_FORM_BYTES,
      pace: "ask",
      tell,
      handle: async (request) => {
        queriesOf(NO_QUERIES, request);
        const inquiry = await asking.ask(withDefaultTag(namedImage(nameIn(request))));
        if (inquiry === "busy") throw new Problem("too-busy", undefined, { headers: { "retry-after": "60" } });
        return seeOther(`/inquiries/${encodeURIComponent(inquiry.id)}`);
      },
    },
    {
      method: "GET",
      match: pathForm("/inquiries/{id}"),
      maxBody: 0,
      tell,
      handle: async (request, [part = ""]) => {
        queriesOf(NO_QUERIES, request);
        const viewer = viewerOf(request.headers);
        const found = await asking.readInquiry(decoded(part));
        if (found === undefined) throw new Problem("nothing");
        const { end, image, repository, waiting } = found;
        // Of a build's own image the walk has credentials: what they met is for nobody here.
        if (end === undefined)
          return pageResponse(inquiryPage(image, repository === undefined ? waiting : undefined), NOT_KEPT);
        if (end.kind === "not-looked") {
          const reason = repository === undefined ? end.reason : "Something could not be looked at.";
          return pageResponse(unseenImagePage(image, reason), NOT_KEPT);
        }
        const told = await ports.lookUp.byReference(image, viewer);
        // That it was answered isn't told to those who may not see the answer.
        something(end.kind === "answered" ? told : { kind: "nothing" });
        return seeOther(LINKS.of(image).page);
      },
    },
  ];
}

function nameIn({ headers, body }: ApiRequest): string {
  const [type = ""] = (headers["content-type"] ?? "").split(";");
  if (type.trim().toLowerCase() !== "application/x-www-form-urlencoded")
    throw new Problem("unsupported-media-type", "a form is sent as application/x-www-form-urlencoded");
  const names = new URLSearchParams(Buffer.from(body).toString()).getAll("image");
  const [name] = names;
  if (name === undefined || names.length !== 1) throw new Problem("malformed-request", "the form names no image");
  return name.trim();
}

function seeOther(location: string): ApiResponse {
  return pageResponse("", { headers: { ...NOT_KEPT.headers, location } }, 303);
}
