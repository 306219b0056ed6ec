import { once } from "node:events";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { FRAME_HEADER_BYTES, FrameType, frame, headers, PREFACE, settings } from "../../h2/testing/script.ts";
import { type GatewayBench, HOST } from "./gateway-bench.ts";

/** A frame that the gateway sent. */
export interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** How a connection ended: the code and the debug data of the last GOAWAY, where one came. */
export interface RawEnd {
  readonly goAwayCode: number | undefined;
  readonly token: string;
  readonly tookMs: number;
}

/** A client over a real TLS socket that sends whatever frames a test wants, and reads only while it is asked to. */
export class RawClient {
  readonly socket: TLSSocket;
  readonly frames: RawFrame[] = [];
  readonly #openedAt = performance.now();
  readonly #closed: Promise<void>;
  #closedAt = 0;
  #unread = Buffer.alloc(0);

  /** Connected, the handshake done, nothing sent. */
  static async connect(bench: GatewayBench): Promise<RawClient> {
    const socket = connectTls({
      host: "127.0.0.1",
      port: bench.gateway.port,
      servername: HOST,
      rejectUnauthorized: false,
      ALPNProtocols: ["h2"],
    });
    const client = new RawClient(socket);
    await once(socket, "secureConnect");
    return client;
  }

  /** Connected, with preface and empty SETTINGS sent. */
  static async greeted(bench: GatewayBench): Promise<RawClient> {
    const client = await RawClient.connect(bench);
    client.send(PREFACE, settings());
    await client.until(() => client.frames.some(({ type }) => type === FrameType.SETTINGS));
    client.send(frame(FrameType.SETTINGS, 1, 0));
    return client;
  }

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    this.#closed = new Promise((resolve) => {
      socket.on("close", () => {
        this.#closedAt = performance.now();
        resolve();
      });
    });
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => this.#received(chunk));
  }

  send(...frames: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** Opens a gRPC call. */
  request(streamId: number, more: readonly string[] = [], endStream = false): void {
    const head = [":method", "POST", ":scheme", "https", ":path", "/p.S/M", ":authority", HOST];
    this.send(headers(streamId, [...head, "content-type", "application/grpc", "te", "trailers", ...more], endStream));
  }

  framesOf(type: number): RawFrame[] {
    return this.frames.filter((one) => one.type === type);
  }

  /** Resolves when `condition` holds, which is asked at each chunk. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.socket.destroyed) throw new Error("the connection was closed");
      await Promise.race([once(this.socket, "data"), this.#closed]);
    }
  }

  /** Waits until the gateway has read all that was sent so far. */
  async answeredPing(): Promise<void> {
    const before = this.framesOf(FrameType.PING).length;
    this.send(frame(FrameType.PING, 0, 0, Buffer.alloc(8)));
    await this.until(() => this.framesOf(FrameType.PING).length > before);
  }

  /** Waits until the gateway has closed the connection. */
  async ended(): Promise<RawEnd> {
    await this.#closed;
    const last = this.framesOf(FrameType.GOAWAY).at(-1);
    return {
      goAwayCode: last?.payload.readUInt32BE(4),
      token: last?.payload.toString("utf8", 8) ?? "",
      tookMs: this.#closedAt - this.#openedAt,
    };
  }

  destroy(): void {
    this.socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.destroy();
  }

  #received(chunk: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, chunk]);
    while (this.#unread.length >= FRAME_HEADER_BYTES) {
      const end = FRAME_HEADER_BYTES + this.#unread.readUIntBE(0, 3);
      if (this.#unread.length < end) return;
      this.frames.push({
        type: this.#unread[3] as number,
        flags: this.#unread[4] as number,
        streamId: this.#unread.readUInt32BE(5) & 0x7fff_ffff,
        payload: this.#unread.subarray(FRAME_HEADER_BYTES, end),
      });
      this.#unread = this.#unread.subarray(end);
    }
  }
}
