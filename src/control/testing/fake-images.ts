import type { ImageSource } from "../images/images.ts";

type Request = Parameters<ImageSource["resolve"]>[0];

/** An engine that has the images that a test puts there, and tells what it was asked. */
export class FakeImages implements ImageSource {
  /** Ids by reference; a test changes them as `docker build` would. */
  readonly ids = new Map<string, string>();
  readonly requests: Request[] = [];
  /** What every look-up waits for. */
  ready: Promise<void> = Promise.resolve();
  /** Why no look-up works. */
  failure: Error | undefined;
  isClosed = false;

  async resolve(request: Request): Promise<{ readonly id: string }> {
    this.requests.push(request);
    request.onProgress?.(`Pulling ${request.reference}`);
    const aborted = new Promise<never>((_resolve, reject) => {
      request.signal?.addEventListener("abort", () => reject(request.signal?.reason));
    });
    await Promise.race([this.ready, aborted]);
    if (this.failure !== undefined) throw this.failure;
    const id = this.ids.get(request.reference);
    if (id === undefined) throw new Error(`the image ${request.reference} cannot be pulled: manifest unknown`);
    return { id };
  }

  close(): void {
    this.isClosed = true;
  }
}
