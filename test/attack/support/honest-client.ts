/** A client beside the attacker, on node:http2: what it meets is what anybody would. */
import { type ClientHttp2Session, connect } from "node:http2";
import { connect as connectTls } from "node:tls";
import type { Mark } from "./attacker.ts";

const CALL_TIMEOUT_MS = 10_000;

/** A request of test.Echo with a payload of five bytes. */
const REQUEST = Buffer.concat([Buffer.from([0, 0, 0, 0, 7, 0x0a, 5]), Buffer.from("hello")]);

export class HonestClient implements Disposable {
  readonly #mark: Mark;
  readonly #session: ClientHttp2Session;

  constructor(mark: Mark) {
    const { host, port, authority: servername, caPem: ca } = mark;
    this.#mark = mark;
    this.#session = connect(`https://${mark.authority}`, {
      createConnection: () => connectTls({ host, port, servername, ca, ALPNProtocols: ["h2"] }),
    });
    // Calls say what became of them.
    this.#session.on("error", () => {});
  }

  /** Makes a unary call; rejects unless it is answered with OK. Milliseconds that it took. */
  call(): Promise<number> {
    const startedAt = performance.now();
    return new Promise((resolve, reject) => {
      const stream = this.#session.request({
        ":method": "POST",
        ":path": "/test.Echo/Unary",
        ":authority": this.#mark.authority,
        "content-type": "application/grpc",
        te: "trailers",
      });
      let status = "none";
      const note = (headers: Readonly<Record<string, unknown>>) => {
        if (headers["grpc-status"] !== undefined) status = `${headers["grpc-status"]} ${headers["grpc-message"] ?? ""}`;
      };
      stream.on("response", note);
      stream.on("trailers", note);
      stream.setTimeout(CALL_TIMEOUT_MS, () => stream.destroy(new Error(`No answer within ${CALL_TIMEOUT_MS} ms`)));
      stream.on("error", reject);
      stream.on("close", () => {
        if (status.startsWith("0")) resolve(performance.now() - startedAt);
        else reject(new Error(`An honest call ended with grpc-status ${status}`));
      });
      stream.resume();
      stream.end(REQUEST);
    });
  }

  [Symbol.dispose](): void {
    this.#session.destroy();
  }
}
