import { execFileSync } from "node:child_process";
import path from "node:path";
import { NotRunError } from "../command/errors";

/**
 * A certificate for `localhost` that is its own authority, and its key, as PEM files in a folder; valid two days.
 * @throws NotRunError where openssl is not installed
 */
export function selfSigned(folder: string): { certificate: string; key: string } {
  try {
    return makeCertificate(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new NotRunError(
      "openssl was not found on PATH; install it: apt-get install openssl (Debian, Ubuntu), brew install openssl (macOS)",
    );
  }
}

function makeCertificate(folder: string): { certificate: string; key: string } {
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
