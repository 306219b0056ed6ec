import type { Channel, Clock, Logger } from "../base/base.ts";
import type { ToMain, ToWorker } from "../model/model.ts";
import type { Store } from "../store/store.ts";
import type { ApiTls } from "./http/tls-server.ts";
import type { ImageSource } from "./images/images.ts";

/** The one account of this version and its key, as in `credentials.json`. */
export interface Credentials {
  readonly accountId: string;
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
}

/** What URLs and host names of functions are made of. */
export interface EndpointInfo {
  /** Region label in host names. */
  readonly region: string;
  /** Base of generated host names. */
  readonly domain: string;
  /** Port of the gRPC gateway as it is bound, for the URLs of triggers. */
  readonly grpcPort: number;
}

/** Issues certificates for custom domains that have none. */
export interface DomainCa {
  /** PEM file of the CA that issues them, for clients; there once the first was issued. */
  readonly caFile: string;
  /** PEM texts for one name, which may begin with `*.`. */
  issue(domainName: string): Promise<{ readonly certificate: string; readonly privateKey: string }>;
}

/** Where certificates come from by ACME (RFC 8555), with the user's consent to the terms of that CA. */
export interface AcmeSettings {
  /** URL of the CA's directory. */
  readonly directoryUrl: string;
  /** Empty: none. */
  readonly contactEmail: string;
  /** How a domain is proved: on port 80 of it, or on 443, which then has to lead to the gRPC port. */
  readonly challenge: "http-01" | "tls-alpn-01";
  /** Where challenges of type http-01 are answered. */
  readonly httpHosts: readonly string[];
  readonly httpPort: number;
  /** PEM of the CA that the directory's own certificate is from; empty: one that Node.js knows. */
  readonly caPem: string;
}

/** Everything that the control plane is given; it reads no configuration of its own. */
export interface ControlPlaneOptions {
  /** Folder of everything that Sluice keeps. Used below it: `code/`, `logs/`, `audit.log`, `registry-credentials.key`. */
  readonly dataDir: string;
  /** Opened by the caller, closed by `ControlPlane.close`. */
  readonly images: ImageSource;
  /** Where `docker login` keeps names and passwords of registries; need not be there. */
  readonly dockerConfigFile: string;
  /** Opened by the caller, closed by `ControlPlane.close`. */
  readonly store: Store;
  /** The store's file in `dataDir`, which a restore replaces. */
  readonly storeFile: string;
  /** Opens another store and checks it: the copies of backups. */
  openStore(file: string): Promise<Store>;
  /** The worker's end of the channel to the main loop. */
  readonly channel: Channel<ToMain, ToWorker>;
  readonly credentials: Credentials;
  readonly endpoint: EndpointInfo;
  readonly domainCa: DomainCa;
  /** Absent: no domain can ask for a certificate by ACME. */
  readonly acme?: AcmeSettings;
  /** All hosts listen on the same port; port 0: any port that is free on all. */
  readonly listen: {
    readonly hosts: readonly string[];
    readonly port: number;
    /** Needed where a host is not a loopback address. */
    readonly tls?: ApiTls | undefined;
  };
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long an API write waits for the data plane to apply it. Default 5,000. */
  readonly applyTimeoutMs?: number;
}
