import { crc32, deflateRawSync } from "node:zlib";

/** An entry of a zip in which every field can be made to lie. */
export interface RawEntry {
  readonly name: string | Buffer;
  readonly content?: string | Buffer;
  /** Unix mode with the file's type. Default a readable file. */
  readonly mode?: number;
  /** 3 Unix, 0 MS-DOS. Default Unix. */
  readonly system?: number;
  /** Default 8, deflate. */
  readonly method?: number;
  readonly flags?: number;
  readonly crc?: number;
  /** In the local header; default the same. */
  readonly localCrc?: number;
  readonly localFlags?: number;
  /** What both headers say; default the truth. */
  readonly uncompressedSize?: number;
  /** Name in the local header; default the same. */
  readonly localName?: string;
  readonly localUncompressedSize?: number;
  /** Writes no local header and no bytes; the directory points to those at this offset instead. */
  readonly offset?: number;
}

const FLAG_UTF8 = 0x800;

/** Builds a zip from entries (APPNOTE 4.3), lies included. */
export function rawZip(entries: readonly RawEntry[]): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const content = Buffer.from(entry.content ?? "");
    const method = entry.method ?? 8;
    const packed = method === 8 ? deflateRawSync(content) : content;
    const name = Buffer.from(entry.name as string);
    const localName = Buffer.from(entry.localName ?? (entry.name as string));
    const flags = (entry.flags ?? 0) | FLAG_UTF8;
    const crc = entry.crc ?? crc32(content);
    const size = entry.uncompressedSize ?? content.length;
    const common = (uncompressedSize: number, nameLength: number, crc: number, flags: number) => {
      const fields = Buffer.alloc(26);
      fields.writeUInt16LE(20, 0);
      fields.writeUInt16LE(flags, 2);
      fields.writeUInt16LE(method, 4);
      fields.writeUInt32LE(crc, 10);
      fields.writeUInt32LE(packed.length, 14);
      fields.writeUInt32LE(uncompressedSize, 18);
      fields.writeUInt16LE(nameLength, 22);
      return fields;
    };
    const start = entry.offset ?? offset;
    if (entry.offset === undefined) {
      const local = [
        uint32(0x04034b50),
        common(entry.localUncompressedSize ?? size, localName.length, entry.localCrc ?? crc, entry.localFlags ?? flags),
        localName,
        packed,
      ];
      locals.push(...local);
      offset += local.reduce((sum, part) => sum + part.length, 0);
    }
    const place = Buffer.alloc(14);
    place.writeUInt32LE(((entry.mode ?? 0o100644) << 16) >>> 0, 6);
    place.writeUInt32LE(start, 10);
    centrals.push(
      uint32(0x02014b50),
      Buffer.from([20, entry.system ?? 3]),
      common(size, name.length, crc, flags),
      place,
      name,
    );
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...locals, directory, uint32(0x06054b50), end]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
