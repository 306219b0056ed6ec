/** A control plane on a data folder, and the main loop that it talks to. */
import { join } from "node:path";
import { type Channel, type Clock, channelPair, silentLogger, systemClock } from "../../base/base.ts";
import type {
  Delta,
  InstanceId,
  InvocationAnswer,
  InvocationId,
  InvocationRequest,
  Snapshot,
  ToMain,
  ToWorker,
} from "../../model/model.ts";
import { openSqliteStore, type Store } from "../../store/store.ts";
import { ControlPlane } from "../control.ts";
import type { ControlPlaneOptions } from "../options.ts";
import { makeCertificate } from "./certificates.ts";
import { FakeImages } from "./fake-images.ts";

export const credentials = { accountId: "1234567890", accessKeyId: "AK", accessKeySecret: "not-so-secret" };
export const endpoint = { region: "local", domain: "fcapp.localhost", grpcPort: 8089 };

/** The main loop's end: what came, and whether it confirms. */
export class FakeMain {
  readonly received: (Snapshot | Delta)[] = [];
  readonly channel: Channel<ToWorker, ToMain>;
  confirms = true;
  saidShutdown = false;
  readonly invoked: InvocationRequest[] = [];
  readonly cancelled: InvocationId[] = [];
  /** What events are answered; undefined: not at all. */
  answer: (request: InvocationRequest) => InvocationAnswer | undefined = echo;

  constructor(channel: Channel<ToWorker, ToMain>) {
    this.channel = channel;
    channel.onMessage((message) => {
      if (message.type === "shutdown") {
        this.saidShutdown = true;
        return;
      }
      if (message.type === "usageStored") return;
      if (message.type === "invoke") {
        this.#invoke(message.request);
        return;
      }
      if (message.type === "cancelInvocation") {
        this.cancelled.push(message.invocationId);
        return;
      }
      this.received.push(message);
      if (this.confirms) channel.post({ type: "applied", at: message.type === "delta" ? message.to : message.at });
    });
  }

  #invoke(request: InvocationRequest): void {
    this.invoked.push(request);
    const answer = this.answer(request);
    if (answer !== undefined) this.channel.post({ type: "invoked", invocationId: request.invocationId, answer });
  }

  get last(): Snapshot | Delta | undefined {
    return this.received.at(-1);
  }

  /** Reports events; what is left out is empty. */
  report(events: Partial<Extract<ToWorker, { type: "events" }>>): void {
    this.channel.post({ type: "events", calls: [], lines: [], usage: [], functions: [], gone: [], ...events });
  }
}

export interface OpenControlPlane {
  readonly control: ControlPlane;
  readonly main: FakeMain;
  readonly images: FakeImages;
  readonly dataDir: string;
  readonly store: Store;
  readonly url: string;
}

export interface UnderTestOptions {
  readonly clock?: Clock;
  readonly storeSizeMaxBytes?: number;
  readonly change?: Partial<ControlPlaneOptions>;
}

export async function openControlPlane(dataDir: string, options: UnderTestOptions = {}): Promise<OpenControlPlane> {
  const [worker, mainEnd] = channelPair<ToMain, ToWorker>();
  const main = new FakeMain(mainEnd);
  const images = new FakeImages();
  const size = options.storeSizeMaxBytes === undefined ? {} : { sizeMaxBytes: options.storeSizeMaxBytes };
  const store = await openSqliteStore({ file: join(dataDir, "state.db"), ...size });
  const control = await ControlPlane.open({
    dataDir,
    store,
    storeFile: join(dataDir, "state.db"),
    openStore: (file) => openSqliteStore({ file }),
    channel: worker,
    credentials,
    endpoint,
    listen: { hosts: ["127.0.0.1"], port: 0 },
    clock: options.clock ?? systemClock,
    logger: silentLogger,
    images,
    dockerConfigFile: join(dataDir, "docker", "config.json"),
    domainCa: { caFile: join(dataDir, "domains-ca.pem"), issue: (name) => makeCertificate([name]) },
    ...options.change,
  });
  return {
    control,
    main,
    images,
    dataDir,
    store,
    url: `http://127.0.0.1:${control.apiPort}`,
  };
}

/** The event itself, as text. */
function echo({ event }: InvocationRequest): InvocationAnswer {
  const run = { instanceId: "c-1" as InstanceId, durationMs: 1.5 };
  const about = { httpStatus: 200, contentType: "text/plain", fcStatus: "", isGrpc: false };
  return { kind: "answered", ...about, body: event, run };
}
