import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

/** Bytes of the nonce and of the tag, both before the text (NIST SP 800-38D). */
const nonceLength = 12;
const tagLength = 16;

/** Keeps texts unreadable where they are stored: AES-256-GCM, one key for each purpose (RFC 5869). */
export class Seal {
  readonly #key: Buffer;

  /** @param purpose what is sealed; another purpose cannot open it */
  constructor(secret: string, purpose: string) {
    this.#key = Buffer.from(hkdfSync("sha256", secret, "", `hivematrix core: ${purpose}`, 32));
  }

  /** @param owner id of the row it is stored in; in another row it cannot be opened */
  close(text: string, owner: string): Buffer {
    const nonce = randomBytes(nonceLength);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce).setAAD(Buffer.from(owner));
    const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
  }

  /** @returns undefined when it was sealed with another key or altered since */
  open(sealed: Buffer, owner: string): string | undefined {
    const nonce = sealed.subarray(0, nonceLength);
    const tag = sealed.subarray(nonceLength, nonceLength + tagLength);
    try {
      const decipher = createDecipheriv("aes-256-gcm", this.#key, nonce, {
        authTagLength: tagLength,
      });
      decipher.setAAD(Buffer.from(owner)).setAuthTag(tag);
      const text = decipher.update(sealed.subarray(nonceLength + tagLength));
      return Buffer.concat([text, decipher.final()]).toString("utf8");
    } catch {
      return undefined;
    }
  }
}
