/** What Sluice does not have, in the words in which its writes are refused: what is missing, and what to do instead. */
export const WITHOUT = {
  layers: "this version of Sluice has no layers: put their files into the code package",
  asyncInvocation:
    "this version of Sluice has no asynchronous invocation: call the function, and queue what can wait in a queue of your own",
  vpc: "this version of Sluice binds no VPCs: instances reach what this machine reaches",
  eventSources:
    "this version of Sluice has no event sources: functions are called through http triggers and by InvokeFunction",
  uploads:
    "this version of Sluice has no object storage for uploads: send the code package itself as code.zipFile, up to 100 MB, or deploy it with `sluice deploy`, up to 500 MB",
  exec: "this version of Sluice opens no shells in instances: `sluice logs` shows what they print",
  proxy:
    "paths below /2016-08-15/proxy/ serve no gRPC, and Sluice serves gRPC alone: call the function at the host of its http trigger (urlInternet) or at a custom domain",
  gpu: "this version of Sluice has no GPU instances",
} as const;
