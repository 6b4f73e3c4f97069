import type { Logger } from 'pino'

/** Why a broker does not let us in, in words that say what to do. */

const advice: readonly { readonly when: RegExp; readonly says: string }[] = [
  {
    when: /Login was refused|PLAIN login refused/,
    says: 'The broker refuses the user or the password in EBS_AMQP_URL. Give the password that it knows, or change it there: rabbitmqctl change_password <user> <password>.',
  },
  {
    when: /Expected ConnectionOpenOk|NOT_ALLOWED/,
    says: 'The broker knows this user, but lets it into no virtual host of this name. EBS_AMQP_URL ends with the name; `ebs topology definitions` gives the rights for it.',
  },
  {
    when: /ACCESS_REFUSED/,
    says: 'The user in EBS_AMQP_URL lacks a right. Import what `ebs topology definitions` gives, or give it the right.',
  },
  {
    when: /SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_(?:VERIFY|GET_ISSUER)|CERT_SIGNATURE_FAILURE|CERT_UNTRUSTED/,
    says: 'The certificate of the broker is signed by nobody who is trusted here. EBS_AMQP_CA is the file with the certificate of who signed it.',
  },
  {
    when: /\bCERT_(?:HAS_EXPIRED|NOT_YET_VALID)/,
    says: 'The certificate of the broker has expired or is not valid yet. Renew it on the broker, or look at the clock of this machine.',
  },
  {
    when: /ERR_TLS_CERT_ALTNAME_INVALID/,
    says: 'The certificate of the broker is for another host. EBS_AMQP_URL must have a name that is in the certificate.',
  },
  {
    when: /ALERT_|CERTIFICATE_REQUIRED|alert (?:number|certificate|unknown|handshake|bad)/i,
    says: 'The broker does not take the certificate of this side, or asks for one. EBS_AMQP_CERT and EBS_AMQP_KEY must be signed by whom the broker trusts, and be valid.',
  },
  {
    when: /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG/,
    says: 'Nobody speaks TLS at the port of EBS_AMQP_URL: amqps:// is for another port of the broker, as a rule 5671.',
  },
]

type Trouble = {
  readonly role: string
  readonly error: Error
  /** Why certificates could not be read. */
  readonly tls: string | undefined
}

/** Logs why a connection could not be made; gives what somebody has to do about it, if so. */
export function tellTrouble(log: Logger | undefined, { role, error, tls }: Trouble): string | undefined {
  const advice =
    tls === undefined
      ? adviceOn(error)
      : `A certificate cannot be read (${tls}). EBS_AMQP_CA, EBS_AMQP_CERT and EBS_AMQP_KEY name the files.`
  if (advice === undefined) log?.warn({ role, reason: error.message }, 'no broker yet; trying again')
  else log?.error({ role, reason: error.message }, advice)
  return advice
}

/** Undefined when there is nothing to do but to wait for it. */
export function adviceOn(error: unknown): string | undefined {
  const text = textOf(error)
  return advice.find(({ when }) => when.test(text))?.says
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error ? String(error.code) : ''
  return `${code} ${error.message}`
}
