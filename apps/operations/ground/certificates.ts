import tls from "node:tls";

const SECONDS = 10;

/** When the certificate a host shows ends. @throws when it shows none, or one nobody trusts */
export function certificateOf(host: string): Promise<Date> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host, port: 443, servername: host, timeout: SECONDS * 1000 }, () => {
      const { valid_to: end } = socket.getPeerCertificate();
      socket.end();
      resolve(new Date(end));
    });
    socket.once("error", reject);
    socket.once("timeout", () => {
      socket.destroy();
      reject(new Error(`${host} did not answer within ${SECONDS} s`));
    });
  });
}
