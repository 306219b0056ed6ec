import type { Channel, Clock, Logger } from "../base/base.ts";
import type { ToMain, ToWorker } from "../model/model.ts";
import type { Store } from "../store/store.ts";
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

/** Everything that the control plane is given; it reads no configuration of its own. */
export interface ControlPlaneOptions {
  /** Folder of everything that Sluice keeps. Used below it: `code/`, `logs/`, `registry-credentials.key`. */
  readonly dataDir: string;
  /** Opened by the caller, closed by `ControlPlane.close`. */
  readonly images: ImageSource;
  /** Where `docker login` keeps names and passwords of registries; need not be there. */
  readonly dockerConfigFile: string;
  /** Opened by the caller, closed by `ControlPlane.close`. */
  readonly store: Store;
  /** The worker's end of the channel to the main loop. */
  readonly channel: Channel<ToMain, ToWorker>;
  readonly credentials: Credentials;
  readonly endpoint: EndpointInfo;
  /** All hosts listen on the same port; port 0: any port that is free on all. */
  readonly listen: { readonly hosts: readonly string[]; readonly port: number };
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long an API write waits for the data plane to apply it. Default 5,000. */
  readonly applyTimeoutMs?: number;
}
