import { isIP } from "node:net";
import {
  type Fault,
  type FunctionKey,
  fault,
  type PathRewriter,
  pathRewriter,
  type RouteEntry,
} from "../model/model.ts";
import { isOldPath, oldAddressHint } from "./old-address.ts";
import { hostOf } from "./request-head.ts";

/** Authorities remembered with what they mean; a client sends the same one with each call. */
const REMEMBERED_MAX = 1000;

/** Longest list of functions in a message. */
const LISTED_MAX = 10;

/** A route as calls find it. */
export interface Route extends RouteEntry {
  /** Absent: the instance sees the path as it came. */
  readonly rewritePath?: PathRewriter;
}

/** The routes of one host: exact paths, then prefixes, longest first. */
interface HostRoutes {
  readonly exact: Map<string, Route>;
  prefixes: { readonly prefix: string; readonly entry: Route }[];
}

/** Where a call goes: authority and path to a function. Exact path before longest prefix. */
export class RouteTable {
  readonly #hosts = new Map<string, HostRoutes>();
  readonly #remembered = new Map<string, HostRoutes | undefined>();
  readonly #demo: FunctionKey | undefined;
  #soleTarget: HostRoutes | undefined;
  #count = 0;

  /** `demo` is not counted when a call by IP address looks for the only function. */
  constructor(demo: FunctionKey | undefined) {
    this.#demo = demo;
  }

  get count(): number {
    return this.#count;
  }

  /** Throws a RewriteRuleError for rules that the control plane would have refused. */
  put(given: RouteEntry): void {
    const entry: Route = given.rewrite === undefined ? given : { ...given, rewritePath: pathRewriter(given.rewrite) };
    let routes = this.#hosts.get(entry.host);
    if (routes === undefined) {
      routes = { exact: new Map(), prefixes: [] };
      this.#hosts.set(entry.host, routes);
    }
    this.#remove(routes, entry.path);
    if (entry.path.endsWith("/*")) {
      routes.prefixes.push({ prefix: entry.path.slice(0, -1), entry });
      routes.prefixes.sort((a, b) => b.prefix.length - a.prefix.length);
    } else {
      routes.exact.set(entry.path, entry);
    }
    this.#count += 1;
    this.#forget();
  }

  delete(host: string, path: string): void {
    const routes = this.#hosts.get(host);
    if (routes === undefined) return;
    this.#remove(routes, path);
    if (routes.exact.size === 0 && routes.prefixes.length === 0) this.#hosts.delete(host);
    this.#forget();
  }

  /** The route of a call, or the fault that says why there is none. */
  find(authority: string, path: string): Route | Fault {
    const routes = this.#routesOf(authority);
    if (routes !== undefined) {
      const exact = routes.exact.get(path);
      if (exact !== undefined) return exact;
      for (const { prefix, entry } of routes.prefixes) {
        if (path.startsWith(prefix) && !(prefix === "/" && isOldPath(path))) return entry;
      }
    }
    return fault("RouteNotFound", this.#explain(authority, path, routes !== undefined));
  }

  #routesOf(authority: string): HostRoutes | undefined {
    const known = this.#remembered.get(authority);
    if (known !== undefined) return known;
    const host = hostOf(authority);
    const routes = this.#hosts.get(host) ?? this.#wildcard(host) ?? (isLocal(host) ? this.#sole() : undefined);
    if (routes !== undefined) {
      if (this.#remembered.size >= REMEMBERED_MAX) this.#remembered.clear();
      this.#remembered.set(authority, routes);
    }
    return routes;
  }

  #wildcard(host: string): HostRoutes | undefined {
    const dot = host.indexOf(".");
    return dot < 0 ? undefined : this.#hosts.get(`*${host.slice(dot)}`);
  }

  /** The routes of the only function with an http trigger; the demo counts only where there is no other. */
  #sole(): HostRoutes | undefined {
    this.#soleTarget ??= this.#findSole();
    return this.#soleTarget;
  }

  #findSole(): HostRoutes | undefined {
    const functions = this.#triggered();
    const entry = functions.length === 1 ? functions[0] : undefined;
    return entry && { exact: new Map(), prefixes: [{ prefix: "/", entry }] };
  }

  #triggered(): Route[] {
    const all: Route[] = [];
    for (const { exact, prefixes } of this.#hosts.values()) {
      for (const entry of [...exact.values(), ...prefixes.map((route) => route.entry)]) {
        if (entry.origin === "trigger") all.push(entry);
      }
    }
    const others = all.filter((entry) => entry.function !== this.#demo);
    const counted = others.length > 0 ? others : all;
    // One function under several qualifiers is one function still: LATEST's trigger stands for it.
    const latest = counted.filter((entry) => !isQualified(entry.function));
    const [first] = latest;
    return first !== undefined && counted.every((entry) => isOf(entry.function, first.function)) ? latest : counted;
  }

  #explain(authority: string, path: string, hostKnown: boolean): string {
    const hint = oldAddressHint(hostOf(authority), path);
    if (hint !== undefined) return `no route for host ${authority} (path ${path}): ${hint}`;
    if (hostKnown) return `no route for path ${path} of host ${authority}`;
    if (!isLocal(hostOf(authority))) return `no route for host ${authority} (path ${path})`;
    const functions = this.#triggered();
    if (functions.length === 0) {
      return `no route for host ${authority} (path ${path}): no function with an http trigger is deployed`;
    }
    const listed = functions.slice(0, LISTED_MAX).map((entry) => `${entry.function} at ${entry.host}`);
    if (functions.length > LISTED_MAX) listed.push(`${functions.length - LISTED_MAX} more`);
    return `no route for host ${authority} (path ${path}): several functions are deployed, name one by its host (the authority of the call): ${listed.join(", ")}`;
  }

  #remove(routes: HostRoutes, path: string): void {
    const before = routes.exact.size + routes.prefixes.length;
    routes.exact.delete(path);
    routes.prefixes = routes.prefixes.filter((route) => route.entry.path !== path);
    this.#count -= before - (routes.exact.size + routes.prefixes.length);
  }

  #forget(): void {
    this.#remembered.clear();
    this.#soleTarget = undefined;
  }
}

/** Only the service's part of a key has a dot: before its qualifier. */
function isQualified(key: FunctionKey): boolean {
  return key.includes(".");
}

/** Whether a key is that of the function `latest`, under whatever qualifier. */
function isOf(key: FunctionKey, latest: FunctionKey): boolean {
  return key.replace(/\.[^/]*/, "") === latest;
}

/** Why a route found must not serve a gRPC call, signed or not; undefined: it may. */
export function refusalOf(route: RouteEntry): Fault | undefined {
  if (!route.methods.includes("POST")) {
    return fault(
      "MethodNotAllowed",
      `the http trigger of ${route.function} does not allow POST, which every gRPC call is: add POST to its methods`,
    );
  }
  if (route.internetUrlDisabled && route.origin === "trigger") {
    return fault("AccessDenied", `access denied due to function internet URL is disable (${route.function})`);
  }
  return undefined;
}

/** Loopback names and IP addresses name no function by themselves. */
function isLocal(host: string): boolean {
  return host === "" || host === "localhost" || isIP(host) !== 0;
}
