/** Front door of src/model: the nouns of Sluice, pure. */
export * from "./call-line.ts";
export * from "./call-lines.ts";
export * from "./container.ts";
export * from "./data-plane.ts";
export * from "./faults.ts";
export * from "./ids.ts";
export * from "./invocation.ts";
export * from "./main-counts.ts";
export * from "./messages.ts";
export * from "./path-rewriter.ts";
export * from "./provision.ts";
export * from "./resources.ts";
export * from "./revision.ts";
export * from "./schedule.ts";
export * from "./sluice-api.ts";
export * from "./store-error.ts";
export * from "./usage.ts";
