/** What `${config(NAME)}` gives in s.yaml: the credentials of the access in use (Serverless Devs, "YAML"). */
export function configValues(credentials: {
  readonly accountId: string;
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
}): Record<string, string> {
  return {
    AccountID: credentials.accountId,
    AccessKeyID: credentials.accessKeyId,
    AccessKeySecret: credentials.accessKeySecret,
  };
}
