import { execFileSync } from "node:child_process";
import path from "node:path";

/** A certificate for `localhost` that is its own authority, and its key, as PEM files in a folder; valid two days. */
export function selfSigned(folder: string): { certificate: string; key: string } {
  const files = { certificate: path.join(folder, "server.crt"), key: path.join(folder, "server.key") };
  execFileSync(
    "openssl",
    [
      ...[
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
      ],
      ...["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
      ...["-keyout", files.key, "-out", files.certificate],
    ],
    { stdio: "ignore" },
  );
  return files;
}
