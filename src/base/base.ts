/** Front door of src/base: clock, timers, queues, channels, logger. No word of gRPC or functions here. */
export { type Channel, channelPair } from "./channel.ts";
export { type Clock, sleep, systemClock, type WakeUp } from "./clock.ts";
export { LinkedQueue, type QueueLinks } from "./linked-queue.ts";
export { type LogFields, type Logger, silentLogger } from "./logger.ts";
export { type Random, systemRandom } from "./random.ts";
export { randomId } from "./random-ids.ts";
export { Roster, type RosterMember } from "./roster.ts";
export { Timer, TimerWheel } from "./timer-wheel.ts";
