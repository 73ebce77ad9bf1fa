import { randomBytes } from "node:crypto";
import tls from "node:tls";
import { generate, type SubjectAltNameEntry } from "selfsigned";

/** A key and its certificate as PEM. */
export interface Certified {
  readonly key: string;
  readonly cert: string;
}

const DAYS = 2;
const DAY_MS = 86_400_000;

/**
 * A certificate authority that lives as long as the process. Whoever trusts it trusts nothing else: it is never put
 * into a store of the machine, only named to the clients that are pointed at the cloud.
 */
export class Authority {
  private readonly issued = new Map<string, Promise<Certified>>();

  private constructor(private readonly own: Certified) {}

  static async create(): Promise<Authority> {
    const { private: key, cert } = await generate(
      // By its name a client finds who signed: where it trusts two of one name, it may ask the wrong one.
      [{ name: "commonName", value: `Emulated Azure ${randomBytes(8).toString("hex")}` }],
      {
        ...LIFE(),
        keyType: "ec",
        algorithm: "sha256",
        extensions: [
          { name: "basicConstraints", cA: true, critical: true },
          { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
        ],
      },
    );
    return new Authority({ key, cert });
  }

  /** Its certificate as PEM, for a client to trust. */
  get certificate(): string {
    return this.own.cert;
  }

  /** A certificate for host names or addresses, made once. */
  issue(...hosts: readonly string[]): Promise<Certified> {
    const name = hosts.join(" ");
    let made = this.issued.get(name);
    if (!made) {
      made = this.sign(hosts);
      this.issued.set(name, made);
    }
    return made;
  }

  /** What a TLS server needs to answer for whichever host is asked for, as far as `answers` says it may. */
  async contextFor(host: string): Promise<tls.SecureContext> {
    return tls.createSecureContext(await this.issue(host));
  }

  private async sign(hosts: readonly string[]): Promise<Certified> {
    const altNames = hosts.map((host): SubjectAltNameEntry =>
      /^[\d.]+$/.test(host) ? { type: 7, ip: host } : { type: 2, value: host },
    );
    const { private: key, cert } = await generate([{ name: "commonName", value: hosts[0] ?? "" }], {
      ...LIFE(),
      keyType: "ec",
      algorithm: "sha256",
      ca: this.own,
      extensions: [
        { name: "basicConstraints", cA: false, critical: true },
        { name: "keyUsage", digitalSignature: true, critical: true },
        { name: "extKeyUsage", serverAuth: true },
        { name: "subjectAltName", altNames },
      ],
    });
    return { key, cert };
  }
}

/** From an hour ago, so that no clock disagrees, for two days. */
function LIFE(): { notBeforeDate: Date; notAfterDate: Date } {
  const now = Date.now();
  return { notBeforeDate: new Date(now - DAY_MS / 24), notAfterDate: new Date(now + DAYS * DAY_MS) };
}
