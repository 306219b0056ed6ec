/** What the control plane is made of, beside its sockets: each part with what it needs of the others. */
import { join } from "node:path";
import { AuditLog } from "./audit/audit-log.ts";
import { Authenticator } from "./auth/authenticator.ts";
import { KeyRing } from "./auth/key-ring.ts";
import { Backups } from "./backup/backups.ts";
import { acmeFaultOf } from "./certificates/acme-rules.ts";
import { CodeLinks } from "./code/code-links.ts";
import { CodePackages } from "./code/code-packages.ts";
import { UploadedPackages } from "./code/uploaded-packages.ts";
import { CodeSweep } from "./code-sweep.ts";
import type { ProjectionContext } from "./data-plane/projection.ts";
import { Publisher } from "./data-plane/publisher.ts";
import { CredentialVault } from "./images/credential-vault.ts";
import { Images } from "./images/images.ts";
import { Invocations } from "./invocations.ts";
import { FunctionLogs } from "./logs/function-logs.ts";
import { Metrics } from "./metrics/metrics.ts";
import type { ControlPlaneOptions } from "./options.ts";
import { FunctionSources, Repository, Resources } from "./resources/resources.ts";
import { StatusBoard } from "./status-board.ts";
import { UsageJournal } from "./usage-journal.ts";
import { Vault } from "./vault.ts";

const APPLY_TIMEOUT_MS = 5000;

export interface Parts {
  readonly repository: Repository;
  readonly resources: Resources;
  readonly projection: ProjectionContext;
  readonly publisher: Publisher;
  readonly invocations: Invocations;
  readonly board: StatusBoard;
  readonly metrics: Metrics;
  readonly logs: FunctionLogs;
  readonly usage: UsageJournal;
  readonly authenticator: Authenticator;
  readonly audit: AuditLog;
  readonly packages: CodePackages;
  readonly codeLinks: CodeLinks;
  readonly uploads: UploadedPackages;
  readonly sweep: CodeSweep;
  readonly images: Images;
  readonly backups: Backups;
}

/** Makes all parts; nothing runs and nothing is told to the main loop yet. `acmeAsked`: a domain wants a certificate. */
export async function makeParts(options: ControlPlaneOptions, acmeAsked: () => void): Promise<Parts> {
  const { store, dataDir, channel, clock, logger, endpoint, domainCa, acme, storeFile, openStore } = options;
  const { accountId } = options.credentials;
  const repository = new Repository(store, accountId);
  const vault = new Vault(join(dataDir, "registry-credentials.key"));
  const keyRing = new KeyRing(options.credentials, repository, vault, logger);

  const packages = await CodePackages.open(join(dataDir, "code"));
  const images = new Images({ source: options.images, dockerConfigFile: options.dockerConfigFile, clock });
  const sources = new FunctionSources({ packages, images, vault: new CredentialVault(vault) });

  const projection: ProjectionContext = { accountId, codeDirOf: (sha256) => packages.dirOf(sha256) };
  const applyTimeoutMs = options.applyTimeoutMs ?? APPLY_TIMEOUT_MS;
  const publisher = new Publisher({ ...options, repository, keyRing, context: projection, applyTimeoutMs });
  const written = { store, repository, listener: publisher };
  const acmeRules = { faultOf: (domainName: string) => acmeFaultOf(acme, domainName), asked: acmeAsked };
  const resources = new Resources({ ...written, sources, keyRing, vault, endpoint, domainCa, acmeRules, clock });

  const board = new StatusBoard();
  const stored = (count: number) => channel.post({ type: "usageStored", count });
  const committed = () => publisher.mainGone();
  return {
    repository,
    resources,
    projection,
    publisher,
    invocations: new Invocations(channel, (name) => publisher.serve(name, (work) => resources.alone(work))),
    board,
    metrics: new Metrics(board),
    logs: new FunctionLogs(join(dataDir, "logs"), clock, logger),
    usage: new UsageJournal({ store, accountId, clock, logger, stored }),
    authenticator: new Authenticator(keyRing, clock),
    audit: new AuditLog(join(dataDir, "audit.log"), logger),
    packages,
    codeLinks: new CodeLinks(clock),
    uploads: new UploadedPackages(clock),
    sweep: new CodeSweep({ packages, repository, publisher, board, clock, logger }),
    images,
    backups: new Backups({ parts: { dataDir, storeFile, openStore }, store, packages, accountId, clock, committed }),
  };
}
