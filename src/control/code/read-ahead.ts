import type { ZipFile } from "yauzl";

/** Read at a time. Directories are a few dozen bytes an entry, which one by one would take 10 s for 50,000. */
const WINDOW_BYTES = 64 * 1024;

type Done = (error: Error | null, bytesRead?: number) => void;
type Read = (buffer: Buffer, offset: number, length: number, position: number, done: Done) => void;

/** Has the zip's directory and headers, which are read one after the other, come from memory. */
export function readAhead(zip: ZipFile): void {
  const { reader } = zip as unknown as { reader: { read: Read } };
  const readFile = reader.read.bind(reader);
  const window = Buffer.allocUnsafe(WINDOW_BYTES);
  let from = 0;
  let to = 0;
  reader.read = (buffer, offset, length, position, done) => {
    if (length > WINDOW_BYTES) {
      readFile(buffer, offset, length, position, done);
      return;
    }
    const copy = () =>
      done(null, window.copy(buffer, offset, position - from, Math.min(position - from + length, to - from)));
    if (position >= from && position + length <= to) {
      copy();
      return;
    }
    readFile(window, 0, WINDOW_BYTES, position, (error, bytesRead = 0) => {
      if (error) {
        to = from;
        done(error);
        return;
      }
      from = position;
      to = position + bytesRead;
      copy();
    });
  };
}
