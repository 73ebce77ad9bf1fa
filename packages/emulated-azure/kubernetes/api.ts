import { Controller } from "./controller";
import { apiVersionOf, kindNamed, KINDS, type Kind } from "./kinds";
import { Objects, type Change } from "./objects";
import type { Metadata, Stored } from "./stored";
import { patched } from "./patch";
import { podMetrics } from "./metrics";
import type { PodBehaviour } from "./pods";
import { fieldsMatch, labelsMatch } from "./selectors";
import { badRequest, invalid, StatusError } from "./status";
import { refuseInvalid } from "./validation";
import { refuseMistyped } from "./wellFormed";

export interface Request {
  verb: "get" | "list" | "watch" | "create" | "update" | "patch" | "delete" | "deletecollection";
  kind: Kind;
  namespace?: string;
  name?: string;
  subresource?: string;
  query: URLSearchParams;
  contentType: string;
}

export interface Answer {
  code: number;
  /** A string is a pod's log. */
  document: unknown;
}

export interface WatchEvent {
  type: string;
  object: unknown;
}

const POD = kindNamed("v1", "Pod") as Kind;

const PATH =
  /^\/(?:api\/(?<core>v1)|apis\/(?<group>[^/]+)\/(?<version>[^/]+))(?:\/namespaces\/(?<namespace>[^/]+))?(?:\/(?<plural>[^/]+))?(?:\/(?<name>[^/]+))?(?:\/(?<subresource>[^/]+))?\/?$/;

/** One cluster: its objects, what runs them, and the requests its API takes. */
export class Api {
  readonly objects = new Objects();
  readonly controller: Controller;

  constructor(behaviour: PodBehaviour = {}) {
    this.controller = new Controller(this.objects, behaviour);
    for (const name of ["default", "kube-system"]) this.namespace(name);
  }

  /** Makes a namespace unless it is there. */
  namespace(name: string): void {
    const kind = kindNamed("v1", "Namespace") as Kind;
    if (!this.objects.find(kind, undefined, name))
      this.objects.create(kind, undefined, { metadata: { name } } as Partial<Stored>);
  }

  /** Puts an object into the cluster as its owner's tools would. @throws StatusError */
  create(object: {
    apiVersion: string;
    kind: string;
    metadata: { name: string; namespace?: string; labels?: Record<string, string> };
    [more: string]: unknown;
  }): Stored {
    const kind = kindNamed(object.apiVersion, object.kind);
    if (!kind) throw badRequest(`no matches for kind "${object.kind}" in version "${object.apiVersion}"`);
    return this.objects.create(kind, object.metadata.namespace, object as unknown as Stored);
  }

  /** What a request asks for; undefined when there is no such path. */
  parse(method: string, url: URL, contentType = "application/json"): Request | undefined {
    const found = PATH.exec(url.pathname)?.groups;
    if (!found) return undefined;
    let { namespace, plural, name, subresource } = found;
    // `/api/v1/namespaces/x` is the namespace itself.
    if (namespace !== undefined && (plural === undefined || plural === "status"))
      [namespace, plural, name, subresource] = [undefined, "namespaces", namespace, plural];
    const kind = KINDS.find(
      (known) =>
        known.plural === plural &&
        known.group === (found.group ?? "") &&
        known.version === (found.core ?? found.version),
    );
    if (!kind || (subresource && !kind.subresources?.some((part) => part === subresource))) return undefined;
    if (namespace !== undefined && !kind.namespaced) return undefined;
    const watching = ["true", "1"].includes(url.searchParams.get("watch") ?? "");
    // A command is run by whoever may create one, however the connection is opened.
    const verb = subresource === "exec" ? "create" : verbOf(method, name, watching);
    return {
      verb,
      kind,
      namespace,
      name,
      subresource,
      query: url.searchParams,
      contentType: contentType.split(";")[0] ?? "",
    };
  }

  handle(request: Request, body: unknown): Answer {
    const { verb, kind, namespace } = request;
    if (kind.computed) return { code: 200, document: this.metrics(request) };
    switch (verb) {
      case "list":
        return { code: 200, document: this.list(request) };
      case "create":
        return this.post(request, body);
      case "deletecollection":
        for (const object of this.selected(request)) this.objects.delete(kind, object);
        return { code: 200, document: { kind: "Status", apiVersion: "v1", status: "Success" } };
      default:
        return {
          code: 200,
          document: this.one(request, this.objects.get(kind, namespace, request.name ?? ""), body),
        };
    }
  }

  /** Tells each change to what the request selects, from the version it names or from what is there now. */
  watch(request: Request, tell: (event: WatchEvent) => void): () => void {
    const selects = selection(request);
    const event = ({ type, object }: Pick<Change, "type" | "object">) => tell({ type, object });
    const concerns = (change: Change) => change.kind === request.kind && selects(change.object);
    const since = request.query.get("resourceVersion");
    if (since && since !== "0") {
      const oldest = this.objects.recent[0]?.version ?? 0;
      if (Number(since) + 1 < oldest && this.objects.recent.length >= 5000)
        tell({ type: "ERROR", object: new StatusError(410, "Expired", "too old resource version").document });
      this.objects.recent
        .filter((change) => change.version > Number(since) && concerns(change))
        .forEach(event);
    } else {
      for (const object of this.selected(request)) event({ type: "ADDED", object });
    }
    return this.objects.onChange((change) => concerns(change) && event(change));
  }

  private metrics(request: Request): object {
    const pods = this.selected({ ...request, kind: POD });
    return podMetrics(pods, request, this.controller.pods, this.objects.now());
  }

  private selected(request: Request): Stored[] {
    return this.objects.list(request.kind, request.namespace).filter(selection(request));
  }

  private list(request: Request): object {
    const { kind } = request;
    const metadata = { resourceVersion: String(this.objects.version) };
    return {
      kind: `${kind.kind}List`,
      apiVersion: apiVersionOf(kind),
      metadata,
      items: this.selected(request),
    };
  }

  private post({ kind, namespace, name, subresource, query }: Request, body: unknown): Answer {
    const given = objectOf(body);
    if (subresource === "eviction") {
      this.objects.delete(kind, this.objects.get(kind, namespace, name ?? ""));
      return { code: 201, document: { kind: "Status", apiVersion: "v1", status: "Success" } };
    }
    if (name !== undefined)
      throw new StatusError(405, "MethodNotAllowed", "the server does not allow this method");
    const { kind: said, apiVersion } = given;
    if ((said && said !== kind.kind) || (apiVersion && apiVersion !== apiVersionOf(kind)))
      throw badRequest(
        `${String(said)} in version "${String(apiVersion)}" cannot be handled as a ${kind.kind}`,
      );
    refuseMistyped(kind, given);
    refuseInvalid(kind, given);
    if (query.get("dryRun")) return { code: 201, document: given };
    return { code: 201, document: this.objects.create(kind, namespace, given) };
  }

  private one(request: Request, object: Stored, body: unknown): unknown {
    const { verb, kind, subresource, contentType, query } = request;
    if (subresource === "log") return this.log(object, query);
    if (subresource === "scale") return this.scale(request, object, body);
    switch (verb) {
      case "get":
        return object;
      case "delete":
        this.objects.delete(kind, object);
        return object;
      case "update":
      case "patch": {
        const next = (verb === "update" ? objectOf(body) : patched(object, contentType, body)) as Stored;
        if (next.metadata?.name !== object.metadata.name)
          throw badRequest("the name of the object does not match the URL");
        refuseMistyped(kind, next);
        if (subresource !== "status") refuseInvalid(kind, next, object);
        if (query.get("dryRun")) return next;
        return this.objects.replace(kind, object, next, subresource === "status" ? "status" : "main");
      }
      default:
        throw new StatusError(405, "MethodNotAllowed", "the server does not allow this method");
    }
  }

  private log(pod: Stored, query: URLSearchParams): string {
    const { containers: own = [], initContainers = [] } = (pod.spec ?? {}) as Record<
      string,
      { name: string }[]
    >;
    const containers = [...own, ...initContainers].map(({ name }) => name);
    const wanted = query.get("container");
    if (wanted && !containers.includes(wanted))
      throw badRequest(`container ${wanted} is not valid for pod ${pod.metadata.name}`);
    if (pod.status?.phase === "Pending")
      throw badRequest(
        `container "${wanted ?? containers[0] ?? ""}" in pod "${pod.metadata.name}" is waiting to start`,
      );
    const lines = this.controller.pods.logOf(pod).split(/(?<=\n)/);
    const tail = query.get("tailLines");
    return (tail === null ? lines : lines.slice(-Number(tail) || lines.length)).join("");
  }

  private scale({ verb, kind, contentType }: Request, object: Stored, body: unknown): object {
    const { name, namespace, uid, creationTimestamp } = object.metadata;
    const view = (of: Stored): Scale => ({
      kind: "Scale",
      apiVersion: "autoscaling/v1",
      metadata: { name, namespace, uid, creationTimestamp, resourceVersion: of.metadata.resourceVersion },
      // No pods are told by saying nothing, as of every field whose zero is left out.
      spec: { replicas: Number(of.spec?.replicas ?? 1) || undefined },
      status: { replicas: Number(of.status?.replicas ?? 0) },
    });
    if (verb === "get") return view(object);
    const next = (
      verb === "update" ? objectOf(body) : patched(view(object), contentType, body)
    ) as Partial<Scale>;
    const replicas = next.spec?.replicas ?? 0;
    if (!Number.isInteger(replicas) || replicas < 0)
      throw invalid(`spec.replicas: Invalid value: ${replicas}: must be greater than or equal to 0`);
    const resourceVersion = next.metadata?.resourceVersion ?? "";
    const scaled = {
      ...object,
      metadata: { ...object.metadata, resourceVersion },
      spec: { ...object.spec, replicas },
    };
    return view(this.objects.replace(kind, object, scaled));
  }
}

/** `autoscaling/v1`, as it goes over the wire. */
interface Scale {
  readonly kind: "Scale";
  readonly apiVersion: "autoscaling/v1";
  readonly metadata: Partial<Metadata>;
  readonly spec: { readonly replicas: number | undefined };
  readonly status: { readonly replicas: number };
}

function verbOf(method: string, name: string | undefined, watching: boolean): Request["verb"] {
  switch (method) {
    case "GET":
      return watching ? "watch" : name === undefined ? "list" : "get";
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "PATCH":
      return "patch";
    case "DELETE":
      return name === undefined ? "deletecollection" : "delete";
    default:
      throw new StatusError(405, "MethodNotAllowed", "the server does not allow this method");
  }
}

function selection({ query, name }: Request): (object: Stored) => boolean {
  const [labels, fields] = [labelsMatch(query.get("labelSelector")), fieldsMatch(query.get("fieldSelector"))];
  return (object) =>
    (name === undefined || object.metadata.name === name) &&
    labels(object.metadata.labels ?? {}) &&
    fields(object);
}

function objectOf(body: unknown): Stored {
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw badRequest("an object is expected");
  return body as Stored;
}
