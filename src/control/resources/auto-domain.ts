import { createHash } from "node:crypto";
import type { Change } from "../../store/store.ts";
import type { EndpointInfo } from "../options.ts";
import type { Repository } from "./repository.ts";
import { labelPart } from "./trigger-host.ts";

const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const DIGEST_CHARS = 10;

/** Domains that s.yaml asks for as `domainName: auto`: one for each function. */
export class AutoDomains {
  readonly #repository: Repository;
  readonly #endpoint: EndpointInfo;

  constructor(repository: Repository, endpoint: EndpointInfo) {
    this.#repository = repository;
    this.#endpoint = endpoint;
  }

  /**
   * `<function>-<service>-<10 letters>.<region>.<domain>`: one label, so that the platform's own certificate covers it.
   * The letters are a digest of account, service and function: another deploy finds the same name, and no other function
   * has it.
   */
  nameFor(serviceName: string, functionName: string): string {
    const { region, domain } = this.#endpoint;
    const identity = `auto domain\n${this.#repository.accountId}\n${serviceName}\n${functionName}`;
    const digest = createHash("sha256").update(identity).digest();
    const letters = [...digest.subarray(0, DIGEST_CHARS)].map((byte) => LETTERS[byte % LETTERS.length]).join("");
    const parts = [labelPart(functionName), labelPart(serviceName), letters].filter((part) => part !== "");
    return `${parts.join("-")}.${region}.${domain}`.toLowerCase();
  }

  /** What goes with the function: its domain, where it has one. */
  async deletionsWith(serviceName: string, functionName: string): Promise<Change[]> {
    const key = this.nameFor(serviceName, functionName);
    const found = await this.#repository.get("customDomain", key);
    return found === undefined ? [] : [this.#repository.delete("customDomain", key)];
  }
}
