import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  MutatingWebhookConfiguration,
  ValidatingWebhookConfiguration,
} from "kubernetes-models/admissionregistration.k8s.io/v1";
import { Deployment } from "kubernetes-models/apps/v1";
import { NetworkPolicy } from "kubernetes-models/networking.k8s.io/v1";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1";
import { ConfigMap, Namespace, PersistentVolumeClaim, Service, ServiceAccount } from "kubernetes-models/v1";
import { parseAllDocuments } from "yaml";

/** The folder `deploy/`. */
export const DEPLOY = fileURLToPath(new URL("../../deploy", import.meta.url));

/** A document of a manifest. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata?: { readonly name?: string; readonly namespace?: string; readonly annotations?: object };
}

const KINDS = [
  MutatingWebhookConfiguration,
  ValidatingWebhookConfiguration,
  Deployment,
  NetworkPolicy,
  PodDisruptionBudget,
  ConfigMap,
  Namespace,
  PersistentVolumeClaim,
  Service,
  ServiceAccount,
];

/** Kinds that aren't Kubernetes' own: of those there is no schema here. */
export const FOREIGN = ["cert-manager.io/v1", "kustomize.config.k8s.io/v1beta1"];

/** Documents of YAML. @throws an Error for what isn't YAML, or has a key twice. */
export function manifestsIn(text: string): readonly Manifest[] {
  return parseAllDocuments(text).map((document) => {
    const [error] = document.errors;
    if (error) throw error;
    return document.toJS() as Manifest;
  });
}

/** Every file of `deploy/` that is a whole document, by its path. */
export function manifestFiles(): readonly { readonly path: string; readonly manifests: readonly Manifest[] }[] {
  return globSync("**/*.yaml", { cwd: DEPLOY })
    .sort()
    .map((path) => ({ path, manifests: manifestsIn(readFileSync(join(DEPLOY, path), "utf8")) }))
    .filter(({ path }) => !/inject-authority|postgres\/(?!kustomization)/.test(path));
}

/** Holds a document to the schema of Kubernetes' API. @throws an Error that says what is wrong; for a kind without a schema, too. */
export function validate(manifest: Manifest): void {
  for (const Kind of KINDS) {
    if (!Kind.is(manifest)) continue;
    new Kind(manifest as never).validate();
    return;
  }
  throw new Error(`no schema of ${manifest.apiVersion} ${manifest.kind}`);
}
