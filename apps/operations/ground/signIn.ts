import type { TokenCredential } from "@azure/identity";
import type * as k8s from "@kubernetes/client-node";
import { AKS_SERVER_APPLICATION } from "../../../packages/azure-facts";
import { notRun } from "../frame/errors";

const API_SERVERS = `${AKS_SERVER_APPLICATION}/.default`;
/** A token is not used up to its last moment: the request with it is still on its way then. */
const SPARE_MS = 120_000;

/** Who asks the clusters. */
export interface SignIn {
  /** A token for AKS's API servers that lasts. @throws OperationError when nobody is signed in */
  token(): Promise<string>;
  /** The last one was refused: the next is asked for as if there had been none. */
  refused(): void;
}

/**
 * Signs in to the clusters as to Azure, as kubelogin does for a person, and again once a token ends or is refused: a verb may last
 * longer than the session it began in.
 * @param sign begins without anything that was kept
 */
export function clusterSignIn(sign: () => TokenCredential, now: () => number = Date.now): SignIn {
  let credential: TokenCredential | undefined;
  let held: { token: string; expiresOnTimestamp: number } | undefined;
  return {
    async token() {
      if (held && held.expiresOnTimestamp - SPARE_MS > now()) return held.token;
      const given = await (credential ??= sign()).getToken(API_SERVERS);
      if (!given) throw notRun("nobody is signed in to Azure, and so to no cluster: az login");
      held = given;
      return given.token;
    },
    refused() {
      credential = held = undefined;
    },
  };
}

/**
 * A configuration whose every request ends by itself, answered or not. Signed by somebody, it is one without users: what a kubeconfig
 * holds may have ended since it was fetched.
 * @param seconds longest a request may take
 */
export function patientConfig({ KubeConfig }: typeof k8s, seconds: number, signIn?: SignIn): k8s.KubeConfig {
  class PatientConfig extends KubeConfig {
    override loadFromString(text: string): void {
      super.loadFromString(text);
      if (signIn) this.users = this.users.map(({ name }) => ({ name }));
    }
    override async applySecurityAuthentication(context: k8s.RequestContext): Promise<void> {
      await super.applySecurityAuthentication(context);
      if (signIn) context.setHeaderParam("Authorization", `Bearer ${await signIn.token()}`);
      context.setSignal(AbortSignal.timeout(seconds * 1000));
    }
  }
  return new PatientConfig();
}
