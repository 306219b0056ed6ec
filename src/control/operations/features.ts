/** What Sluice does not have, in the words in which its writes are refused: what is missing, and what to do instead. */
export const WITHOUT = {
  layers: "this version of Sluice has no layers: put their files into the code package",
  asyncInvocation:
    "this version of Sluice has no asynchronous invocation: call the function, and queue what can wait in a queue of your own",
  vpc: "this version of Sluice binds no VPCs: instances reach what this machine reaches",
  eventSources:
    "this version of Sluice has no event sources: functions are called through http triggers and by InvokeFunction",
  gpu: "this version of Sluice has no GPU instances",
} as const;
