/** Gets and renews the certificates that come by themselves: of the local CA of custom domains, and by ACME. */
import { X509Certificate } from "node:crypto";
import type { Clock, Logger, WakeUp } from "../../base/base.ts";
import type { AcmeProgress, CustomDomain } from "../../model/model.ts";
import { ApiError } from "../api-error.ts";
import type { DomainCa } from "../options.ts";
import type { CustomDomains, Repository } from "../resources/resources.ts";
import type { IssuedCertificate } from "./acme-authority.ts";

const DAY_MS = 24 * 3_600_000;
/** Between two looks at what is due; a domain that asks for ACME is looked at at once. */
const LOOK_MS = 60_000;
/** One of the local CA is issued again this long before it ends. */
const LOCAL_RENEW_MS = 30 * DAY_MS;
/**
 * After a first failure, doubled with each further one up to a day: four tries in the first hour, below the five failures
 * an hour that Let's Encrypt allows a name ("Rate Limits", Authorization Failures).
 */
const RETRY_FIRST_MS = 5 * 60_000;
const RETRY_MAX_MS = DAY_MS;
const PROBLEM_MAX_CHARS = 500;

export interface CertificateKeeperOptions {
  readonly repository: Pick<Repository, "list">;
  readonly customDomains: Pick<CustomDomains, "renew">;
  readonly domainCa: DomainCa;
  /** Absent: ACME is not configured. */
  readonly acme: { order(domainName: string): Promise<IssuedCertificate> } | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class CertificateKeeper {
  readonly #options: CertificateKeeperOptions;
  #wakeUp: WakeUp | undefined;
  /** The look that is under way. */
  #looking: Promise<void> | undefined;
  #lookAgain = false;
  #stopped = false;

  constructor(options: CertificateKeeperOptions) {
    this.#options = options;
  }

  /** What comes of an order that is under way is not written any more; it is placed again after a restart. */
  stop(): void {
    this.#stopped = true;
    this.#wakeUp?.cancel();
  }

  /** Looks at what is due, now, and from then on every minute; orders are placed one after the other. */
  look(): void {
    if (this.#stopped) return;
    if (this.#looking !== undefined) {
      this.#lookAgain = true;
      return;
    }
    this.#wakeUp?.cancel();
    this.#wakeUp = this.#options.clock.wakeAfter(LOOK_MS, () => this.look());
    this.#lookAgain = false;
    this.#looking = this.#renewAll()
      .catch((error: unknown) => this.#options.logger.error("Certificates cannot be renewed now", { error }))
      .finally(() => {
        this.#looking = undefined;
        if (this.#lookAgain) this.look();
      });
  }

  async #renewAll(): Promise<void> {
    for (const { value: domain } of await this.#options.repository.list("customDomain")) {
      if (this.#stopped) return;
      try {
        await this.#renewLocal(domain);
        await this.#renewAcme(domain);
      } catch (error) {
        // A domain that was deleted meanwhile needs nothing more.
        if (error instanceof ApiError && error.code === "DomainNameNotFound") continue;
        this.#options.logger.error("A certificate cannot be renewed now", { domain: domain.domainName, error });
      }
    }
  }

  async #renewLocal({ domainName, localCertificate }: CustomDomain): Promise<void> {
    const { clock, customDomains, domainCa } = this.#options;
    if (localCertificate === undefined) return;
    if (endOf(localCertificate.certificate) - clock.epochMs() >= LOCAL_RENEW_MS) return;
    const pair = await domainCa.issue(domainName.toLowerCase());
    await customDomains.renew(domainName, (current) => ({
      ...current,
      localCertificate: { certName: "local", ...pair },
    }));
  }

  async #renewAcme({ domainName, acme: progress }: CustomDomain): Promise<void> {
    const { acme, clock, customDomains, logger } = this.#options;
    if (acme === undefined || progress === undefined || progress.nextAt > clock.epochMs()) return;
    const outcome = await acme.order(domainName.toLowerCase()).then(
      (issued): Outcome => ({ issued }),
      (error: unknown): Outcome => ({ problem: problemOf(error) }),
    );
    if (this.#stopped) return;
    const nowAt = clock.epochMs();
    await customDomains.renew(domainName, (current) => withOutcome(current, outcome, nowAt));
    if (outcome.issued !== undefined) logger.info("A certificate came by ACME", { domain: domainName });
    else logger.warn("No certificate came by ACME", { domain: domainName, problem: outcome.problem });
  }
}

type Outcome =
  | { readonly issued: IssuedCertificate; readonly problem?: never }
  | { readonly issued?: never; readonly problem: string };

/** A domain after a try; as it is where it does not ask for ACME any more. */
function withOutcome(domain: CustomDomain, { issued, problem }: Outcome, nowAt: number): CustomDomain {
  if (domain.acme === undefined) return domain;
  if (issued !== undefined) {
    const acme: AcmeProgress = { state: "valid", nextAt: renewAt(issued.certificate), failures: 0 };
    return { ...domain, certificate: { certName: "acme", ...issued }, acme };
  }
  const failures = domain.acme.failures + 1;
  const nextAt = nowAt + Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(failures - 1, 20));
  return { ...domain, acme: { state: "failing", nextAt, failures, problem } };
}

/** With a third of its life left, as Let's Encrypt asks for ("Integration Guide"). */
function renewAt(pem: string): number {
  const { validFromDate, validToDate } = new X509Certificate(pem);
  return validToDate.getTime() - (validToDate.getTime() - validFromDate.getTime()) / 3;
}

function endOf(pem: string): number {
  return new X509Certificate(pem).validToDate.getTime();
}

/** What the CA said, in one line. */
function problemOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/\s+/g, " ").trim().slice(0, PROBLEM_MAX_CHARS);
}
